// The small products and row passes of attention, on blocks that lie in L1 and L2: no packing.

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

#if VD_WIDTH == 16
enum { product_vectors = 4 };
#else
enum { product_vectors = 2 };
#endif
enum { product_rows = 4 };

static inline __attribute__((always_inline)) void rows_product(
    int rows, int vectors, size_t K, const float *a, size_t row_step, size_t k_step,
    const float *b, size_t ldb, bool accumulates, float *c, size_t ldc) {
  vector s[product_rows][product_vectors];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++)
      s[i][j] = accumulates ? *(const vector *)(c + i * ldc + j * VD_WIDTH) : (vector){0};
  for (size_t k = 0; k < K; k++) {
    vector line[product_vectors];
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++) line[j] = *(const vector *)(b + k * ldb + j * VD_WIDTH);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      float v = a[i * row_step + k * k_step];
#pragma clang loop unroll(full)
      for (int j = 0; j < vectors; j++) s[i][j] += v * line[j];
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++) *(vector *)(c + i * ldc + j * VD_WIDTH) = s[i][j];
}

#define VD_PRODUCT_ROWS(rows, vectors) \
  rows_product(rows, vectors, K, a, row_step, k_step, b, ldb, accumulates, c, ldc)

static inline __attribute__((always_inline)) void columns_product(
    int vectors, size_t M, size_t K, const float *a, size_t row_step, size_t k_step,
    const float *b, size_t ldb, bool accumulates, float *c, size_t ldc) {
  size_t m = 0;
  for (; m + product_rows <= M; m += product_rows) {
    VD_PRODUCT_ROWS(product_rows, vectors);
    a += product_rows * row_step;
    c += product_rows * ldc;
  }
  for (; m < M; m++) {
    VD_PRODUCT_ROWS(1, vectors);
    a += row_step;
    c += ldc;
  }
}

// C [M,N] = or += A B with A(m,k) = a[m row_step + k k_step]; N is a multiple of the vector width.
static void block_product(size_t M, size_t N, size_t K, const float *a, size_t row_step,
                          size_t k_step, const float *b, size_t ldb, bool accumulates, float *c,
                          size_t ldc) {
  size_t n = 0;
  for (; n + product_vectors * VD_WIDTH <= N; n += product_vectors * VD_WIDTH)
    columns_product(product_vectors, M, K, a, row_step, k_step, b + n, ldb, accumulates, c + n,
                    ldc);
  switch ((N - n) / VD_WIDTH) {
#if VD_WIDTH == 16
    case 3:
      columns_product(3, M, K, a, row_step, k_step, b + n, ldb, accumulates, c + n, ldc);
      break;
    case 2:
      columns_product(2, M, K, a, row_step, k_step, b + n, ldb, accumulates, c + n, ldc);
      break;
#endif
    case 1:
      columns_product(1, M, K, a, row_step, k_step, b + n, ldb, accumulates, c + n, ldc);
      break;
    default: break;
  }
}

// y = factor x [rows, columns], or its transpose, in f32; the rest of each row of y up to ldy is 0.
static void load_block(vd_type type, bool transposes, size_t rows, size_t columns, const void *x,
                       size_t ldx, float factor, float *y, size_t ldy) {
  float buffer[span];
  if (transposes)
    for (size_t c = 0; c < columns; c++)
      for (size_t r = rows; r < ldy; r++) y[c * ldy + r] = 0;
  for (size_t r = 0; r < rows; r++) {
    for (size_t at = 0; at < columns; at += span) {
      size_t n = columns - at < span ? columns - at : span;
      const float *from = read_span(type, n, x, r * ldx + at, buffer);
      if (transposes)
        for (size_t c = 0; c < n; c++) y[(at + c) * ldy + r] = factor * from[c];
      else
        for (size_t c = 0; c < n; c++) y[r * ldy + at + c] = factor * from[c];
    }
    if (!transposes)
      for (size_t c = columns; c < ldy; c++) y[r * ldy + c] = 0;
  }
}

// y [rows, columns] = x, times a factor of each row when there are some.
static void store_block(vd_type type, size_t rows, size_t columns, const float *x, size_t ldx,
                        const float *factors, void *y, size_t ldy) {
  float buffer[span];
  for (size_t r = 0; r < rows; r++) {
    float factor = factors ? factors[r] : 1.f;
    for (size_t at = 0; at < columns; at += span) {
      size_t n = columns - at < span ? columns - at : span;
      float *to = span_of(type, y, r * ldy + at, buffer);
      for (size_t c = 0; c < n; c++) to[c] = x[r * ldx + at + c] * factor;
      write_span(type, n, to, y, r * ldy + at);
    }
  }
}

// One block of an online softmax (Milakov and Gimelshein 2018) down the columns of scores
// [keys, columns] to the base 2: scores become 2^(s - m) for the new running maximum m, and what
// was summed before has to be multiplied by `factors`. Column c sees the first visible[c] keys,
// all when visible is NULL. Columns that saw only minus infinity stay at a total of 0.
static void softmax_columns(size_t keys, size_t columns, const int32_t *visible, float *scores,
                            size_t ld, float *maximum, float *total, float *factors) {
  if (visible)
    for (size_t k = 0; k < keys; k++)
      for (size_t c = 0; c < columns; c++)
        scores[k * ld + c] = visible[c] > (int32_t)k ? scores[k * ld + c] : -INFINITY;
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
        float e = exp2_of(row[l] - shift[l]);
        row[l] = e;
        sum[l] += e;
      }
    }
    for (int l = 0; l < VD_WIDTH; l++) {
      float factor = exp2_of(last[l] - shift[l]);
      factors[at + l] = factor;
      total[at + l] = total[at + l] * factor + sum[l];
    }
  }
}

// P = 2^(s - lse) where visible, else 0, and dS = P (dP - delta) scale in place of dP; lse to the
// base 2.
static void score_gradients(size_t rows, size_t columns, const int32_t *visible, const float *lse,
                            const float *delta, float scale, float *scores, float *gradients,
                            size_t ld) {
  for (size_t r = 0; r < rows; r++) {
    float *s = scores + r * ld, *g = gradients + r * ld;
    size_t n = visible && (size_t)visible[r] < columns ? (size_t)visible[r] : columns;
    float shift = lse[r], mean = delta[r];
    VD_INDEPENDENT for (size_t c = 0; c < n; c++) {
      float p = exp2_of(s[c] - shift);
      s[c] = p;
      g[c] = p * (g[c] - mean) * scale;
    }
    for (size_t c = n; c < columns; c++) s[c] = g[c] = 0;
  }
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
