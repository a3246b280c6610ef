// The row passes of attention, on blocks that lie in L1 and L2.

// 2^x for x up to about 64, 0 below -126; the polynomial of Cephes' exp2f, about 1 ulp.
static inline float exp2_of(float x) {
  float shifted = x + 12582912.f;
  float r = x - (shifted - 12582912.f);
  float p = 1.535336188319500e-4f;
  p = p * r + 1.339887440266574e-3f;
  p = p * r + 9.618437357674640e-3f;
  p = p * r + 5.550332471162809e-2f;
  p = p * r + 2.402264791363012e-1f;
  p = p * r + 6.931472028550421e-1f;
  p = p * r + 1.f;
  float y = from_bits(to_bits(p) + (to_bits(shifted) << 23));
  y = x < -126.f ? 0.f : y;
  return x != x ? x : y;
}

// Scores [rows, columns] = scale times themselves + the number of their diagonal, which is at
// rows - 1 - r + c for row r and column c.
static void add_diagonals(size_t rows, size_t columns, float scale, const float *diagonals,
                          float *scores, size_t ld) {
  for (size_t r = 0; r < rows; r++) {
    const float *own = diagonals + (rows - 1 - r);
    float *s = scores + r * ld;
    VD_INDEPENDENT for (size_t c = 0; c < columns; c++) s[c] = s[c] * scale + own[c];
  }
}

// One block of an online softmax (Milakov and Gimelshein 2018) down the columns of scores
// [keys, columns] to the base 2: scores become the words of 2^(scale (s - m)) for the new
// running maximum m, and what was summed before has to be multiplied by `factors`. Column c sees the
// keys from first[c] up to before visible[c], all when `first` is NULL; scale > 0. Columns that saw
// only minus infinity stay at a total of 0.
static void softmax_columns(vd_type type, size_t keys, size_t columns, const int32_t *first,
                            const int32_t *visible, float scale, float *scores, size_t ld,
                            float *maximum, float *total, float *factors) {
  if (first)
    for (size_t k = 0; k < keys; k++)
      for (size_t c = 0; c < columns; c++) {
        bool sees = (visible[c] > (int32_t)k) & (first[c] <= (int32_t)k);
        scores[k * ld + c] = sees ? scores[k * ld + c] : -INFINITY;
      }
  for (size_t at = 0; at < columns; at += VD_WIDTH) {
    float *s = scores + at;
    vector before = *(const vector *)(maximum + at), most = before;
    for (size_t k = 0; k < keys; k++)
      most = __builtin_elementwise_max(most, *(const vector *)(s + k * ld));
    *(vector *)(maximum + at) = most;
    float shift[VD_WIDTH], sum[VD_WIDTH], last[VD_WIDTH];
    memcpy(shift, &most, sizeof shift);
    memcpy(last, &before, sizeof last);
    for (int l = 0; l < VD_WIDTH; l++) {
      shift[l] = shift[l] == -INFINITY ? 0.f : shift[l];
      sum[l] = 0;
    }
    for (size_t k = 0; k < keys; k++) {
      float *row = s + k * ld;
      VD_INDEPENDENT for (int l = 0; l < VD_WIDTH; l++) {
        float e = exp2_of((row[l] - shift[l]) * scale);
        row[l] = e;
        sum[l] += e;
      }
    }
    for (int l = 0; l < VD_WIDTH; l++) {
      float factor = exp2_of((last[l] - shift[l]) * scale);
      factors[at + l] = factor;
      total[at + l] = total[at + l] * factor + sum[l];
    }
  }
  if (type == VD_BF16) pair_up_rows(keys, columns, scores, ld);
}

// P = 2^(scale s - lse) where visible (as above, by row), else 0, and dS = P (dP - delta) factor in
// place of dP; lse to the base 2. Of bf16 both become pairs of rows, and `rows_of_pairs`
// [rows, ld / 2] gets dS as it is. `columns` is a multiple of the vector width, of which the first
// `seen` are keys. `diagonals`, when there are some, grow by the dS of f32 on them, in the order of
// add_diagonals.
static void score_gradients(vd_type type, size_t rows, size_t columns, size_t seen,
                            const int32_t *first, const int32_t *visible, const float *lse, const float *delta,
                            float scale, float factor, float *scores, float *gradients, size_t ld,
                            float *rows_of_pairs, float *diagonals) {
  for (size_t r = 0; r < rows; r++) {
    float *s = scores + r * ld, *g = gradients + r * ld;
    size_t n = first && (size_t)visible[r] < seen ? (size_t)visible[r] : seen;
    size_t from = first ? (size_t)first[r] : 0;
    float shift = lse[r], mean = delta[r];
    VD_INDEPENDENT for (size_t c = 0; c < n; c++) {
      float p = exp2_of(s[c] * scale - shift);
      s[c] = p;
      g[c] = p * (g[c] - mean) * factor;
    }
    for (size_t c = n; c < columns; c++) s[c] = g[c] = 0;
    for (size_t c = 0; c < from && c < n; c++) s[c] = g[c] = 0;
    if (diagonals) {
      float *own = diagonals + (rows - 1 - r);
      VD_INDEPENDENT for (size_t c = 0; c < n; c++) own[c] += g[c];
    }
    if (type == VD_BF16) narrow_row(columns, g, (uint16_t *)(rows_of_pairs + r * (ld / 2)));
  }
  if (type == VD_F32) return;
  pair_up_rows(rows, columns, scores, ld);
  pair_up_rows(rows, columns, gradients, ld);
}

static void row_dot(vd_type type, size_t rows, size_t columns, const void *a, const void *b,
                    size_t ld, float *y) {
  float left[span], right[span];
  for (size_t r = 0; r < rows; r++) {
    VD_SUMS
    float total = 0;
    for (size_t at = 0; at < columns; at += span) {
      size_t n = columns - at < span ? columns - at : span;
      const float *p = read_span(type, n, a, r * ld + at, left);
      const float *q = read_span(type, n, b, r * ld + at, right);
      float sum = 0;
      for (size_t c = 0; c < n; c++) sum += p[c] * q[c];
      total += sum;
    }
    y[r] = total;
  }
}
