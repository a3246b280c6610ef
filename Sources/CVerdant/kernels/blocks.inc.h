// Products and layouts of blocks that lie in L1 and L2. An operand is made of words of 32 bits: a
// float, or two bf16 that follow each other in K, so that both types share their layouts.
static inline size_t words_of(vd_type type, size_t n) {
  return type == VD_BF16 ? (n + 1) / 2 : n;
}

static inline uint32_t word_at(const void *x, size_t at) {
  uint32_t word;
  memcpy(&word, (const char *)x + at * sizeof word, sizeof word);
  return word;
}

#if VD_WIDTH == 16
enum { product_vectors = 4 };
#else
enum { product_vectors = 2 };
#endif
enum { product_rows = 4 };

// sum + a b in f32 for each lane: of two floats, or of two pairs of bf16.
static inline __attribute__((always_inline)) vector add_product(vd_type type, vector sum,
                                                                uint32_t a, vector b) {
  if (type == VD_F32) return sum + from_bits(a) * b;
#if defined(VD_PAIR_PRODUCTS)
  return (vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32((int)a),
                                  (__m512bh)b);
#else
  vector_mask bits = (vector_mask)b;
  sum += from_bits(a << 16) * (vector)(bits << 16);
  return sum + from_bits(a & 0xFFFF0000u) * (vector)(bits & (int32_t)0xFFFF0000);
#endif
}

static inline __attribute__((always_inline)) void rows_product(
    vd_type type, int rows, int vectors, size_t K, const float *a, size_t row_step,
    size_t k_step, const float *b, size_t ldb, bool accumulates, float *c, size_t ldc) {
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
      uint32_t word = word_at(a, i * row_step + k * k_step);
#pragma clang loop unroll(full)
      for (int j = 0; j < vectors; j++) s[i][j] = add_product(type, s[i][j], word, line[j]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++) *(vector *)(c + i * ldc + j * VD_WIDTH) = s[i][j];
}

#define VD_PRODUCT_ROWS(rows, vectors) \
  rows_product(type, rows, vectors, K, a, row_step, k_step, b, ldb, accumulates, c, ldc)

static inline __attribute__((always_inline)) void columns_product(
    vd_type type, int vectors, size_t M, size_t K, const float *a, size_t row_step,
    size_t k_step, const float *b, size_t ldb, bool accumulates, float *c, size_t ldc) {
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

#define VD_PRODUCT_COLUMNS(vectors)                                                              \
  columns_product(type, vectors, M, K, a, row_step, k_step, b + n, ldb, accumulates, c + n, ldc)

static inline __attribute__((always_inline)) void typed_product(
    vd_type type, size_t M, size_t N, size_t K, const float *a, size_t row_step, size_t k_step,
    const float *b, size_t ldb, bool accumulates, float *c, size_t ldc) {
  size_t n = 0;
  for (; n + product_vectors * VD_WIDTH <= N; n += product_vectors * VD_WIDTH)
    VD_PRODUCT_COLUMNS(product_vectors);
  switch ((N - n) / VD_WIDTH) {
#if VD_WIDTH == 16
    case 3: VD_PRODUCT_COLUMNS(3); break;
    case 2: VD_PRODUCT_COLUMNS(2); break;
#endif
    case 1: VD_PRODUCT_COLUMNS(1); break;
    default: break;
  }
}

// C [M,N] = or += A B with the words A(m,k) = a[m row_step + k k_step] and B(k,n) = b[k ldb + n], K
// words deep; C is f32 and N a multiple of the vector width.
static void block_product(vd_type type, size_t M, size_t N, size_t K, const float *a,
                          size_t row_step, size_t k_step, const float *b, size_t ldb,
                          bool accumulates, float *c, size_t ldc) {
  if (type == VD_F32)
    typed_product(VD_F32, M, N, K, a, row_step, k_step, b, ldb, accumulates, c, ldc);
  else typed_product(VD_BF16, M, N, K, a, row_step, k_step, b, ldb, accumulates, c, ldc);
}

// y [rows, ldy] = the words of x [rows, columns], then 0.
static void load_rows(vd_type type, size_t rows, size_t columns, const void *x, size_t ldx,
                      float *y, size_t ldy) {
  size_t bytes = columns * bytes_of(type);
  for (size_t r = 0; r < rows; r++) {
    char *to = (char *)(y + r * ldy);
    memcpy(to, address(type, x, r * ldx), bytes);
    memset(to + bytes, 0, ldy * sizeof *y - bytes);
  }
}

#if VD_WIDTH == 16
#define VD_ZIP_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define VD_ZIP_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VD_WIDTH == 8
#define VD_ZIP_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define VD_ZIP_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define VD_ZIP_LOW 0, 4, 1, 5
#define VD_ZIP_HIGH 2, 6, 3, 7
#endif

// A square of words transposed: each round zips the first half of the rows with the second.
static inline void transpose_square(const char *x, size_t bytes, float *y, size_t ldy) {
  vector from[VD_WIDTH], to[VD_WIDTH];
#pragma clang loop unroll(full)
  for (int i = 0; i < VD_WIDTH; i++) memcpy(&from[i], x + i * bytes, sizeof from[i]);
#pragma clang loop unroll(full)
  for (int round = 1; round < VD_WIDTH; round *= 2) {
#pragma clang loop unroll(full)
    for (int i = 0; i < VD_WIDTH / 2; i++) {
      to[2 * i] = __builtin_shufflevector(from[i], from[i + VD_WIDTH / 2], VD_ZIP_LOW);
      to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + VD_WIDTH / 2], VD_ZIP_HIGH);
    }
    memcpy(from, to, sizeof from);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < VD_WIDTH; i++) *(vector *)(y + i * ldy) = from[i];
}

// y [words, ldy] = the words of x [rows, columns] transposed; beyond `rows` 0.
static void load_columns(vd_type type, size_t rows, size_t columns, const void *x, size_t ldx,
                         float *y, size_t ldy) {
  size_t words = columns * bytes_of(type) / sizeof *y, bytes = ldx * bytes_of(type);
  size_t squares = words / VD_WIDTH * VD_WIDTH, square_rows = rows / VD_WIDTH * VD_WIDTH;
  for (size_t r = 0; r < square_rows; r += VD_WIDTH)
    for (size_t w = 0; w < squares; w += VD_WIDTH)
      transpose_square((const char *)x + r * bytes + w * sizeof *y, bytes, y + w * ldy + r, ldy);
  for (size_t r = 0; r < rows; r++) {
    const char *from = (const char *)x + r * bytes;
    for (size_t w = r < square_rows ? squares : 0; w < words; w++)
      memcpy(y + w * ldy + r, from + w * sizeof *y, sizeof *y);
    if (words == words_of(type, columns)) continue;
    uint32_t last = ((const uint16_t *)from)[columns - 1];
    memcpy(y + words * ldy + r, &last, sizeof last);
  }
  for (size_t w = 0; w < words_of(type, columns); w++)
    for (size_t r = rows; r < ldy; r++) y[w * ldy + r] = 0;
}

// y [(rows + 1) / 2, ldy] = each two rows of the bf16 x [rows, columns] as pairs; the rest is 0.
static void load_pairs(size_t rows, size_t columns, const uint16_t *x, size_t ldx, float *y,
                       size_t ldy) {
  static const uint16_t nothing[span];
  for (size_t r = 0; r < rows; r += 2) {
    uint32_t *to = (uint32_t *)y + r / 2 * ldy;
    for (size_t at = 0; at < columns; at += span) {
      size_t n = columns - at < span ? columns - at : span;
      const uint16_t *low = x + r * ldx + at;
      const uint16_t *high = r + 1 < rows ? low + ldx : nothing;
      for (size_t c = 0; c < n; c++) to[at + c] = (uint32_t)high[c] << 16 | low[c];
    }
    for (size_t c = columns; c < ldy; c++) to[c] = 0;
  }
}

// y = two rows of f32, rounded to bf16, as pairs; y may be one of them. n is a multiple of the
// vector width.
static void pair_up(size_t n, const float *low, const float *high, float *y) {
#if defined(VD_PAIR_PRODUCTS)
  const __m512i order = _mm512_inserti64x4(
      _mm512_castsi256_si512(_mm256_set_epi16(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1,
                                              16, 0)),
      _mm256_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8), 1);
  for (size_t c = 0; c < n; c += VD_WIDTH) {
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(high + c),
                                                _mm512_loadu_ps(low + c));
    _mm512_storeu_si512(y + c, _mm512_permutexvar_epi16(order, both));
  }
#else
  VD_INDEPENDENT for (size_t c = 0; c < n; c++)
    y[c] = from_bits((uint32_t)bf16_of(high[c]) << 16 | bf16_of(low[c]));
#endif
}

static void narrow_row(size_t n, const float *x, uint16_t *y) {
#if defined(VD_PAIR_PRODUCTS)
  for (size_t c = 0; c < n; c += VD_WIDTH)
    _mm256_storeu_si256((__m256i *)(y + c), (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x + c)));
#else
  to_bf16(n, x, y);
#endif
}

// Rows of f32 [rows, columns] become their pairs in place; the words of row r / 2 are those of
// rows r and r + 1.
static void pair_up_rows(size_t rows, size_t columns, float *x, size_t ld) {
  static const float nothing[VD_WIDTH];
  for (size_t r = 0; r + 1 < rows; r += 2)
    pair_up(columns, x + r * ld, x + (r + 1) * ld, x + r / 2 * ld);
  if (rows % 2)
    for (size_t c = 0; c < columns; c += VD_WIDTH)
      pair_up(VD_WIDTH, x + (rows - 1) * ld + c, nothing, x + rows / 2 * ld + c);
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
