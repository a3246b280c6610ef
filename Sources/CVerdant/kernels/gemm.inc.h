// The built-in product: panels of op(A) and op(B) are packed, a tile of VD_ROWS rows and two
// vectors of columns stays in registers over a block of K (Goto and van de Geijn 2008).
enum {
  tile_rows = VD_ROWS, tile_columns = 2 * VD_WIDTH, block_k = 256, block_m = 96, block_n = 1024
};

static inline void tile_product(size_t K, const float *restrict a, const float *restrict b,
                                vector sums[VD_ROWS][2]) {
  vector s[VD_ROWS][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < VD_ROWS; i++) s[i][0] = s[i][1] = (vector){0};
  for (size_t k = 0; k < K; k++) {
    vector b0 = *(const vector *)(b + k * tile_columns);
    vector b1 = *(const vector *)(b + k * tile_columns + VD_WIDTH);
#pragma clang loop unroll(full)
    for (int i = 0; i < VD_ROWS; i++) {
      float v = a[k * tile_rows + i];
      s[i][0] += v * b0;
      s[i][1] += v * b1;
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < VD_ROWS; i++) {
    sums[i][0] = s[i][0];
    sums[i][1] = s[i][1];
  }
}

// Packs `outer` rows (or columns) by K into strips of `width`, padded with zeros.
static void pack(size_t outer, size_t K, size_t width, const float *x, size_t outer_step,
                 size_t k_step, float *out) {
  for (size_t start = 0; start < outer; start += width) {
    size_t count = outer - start < width ? outer - start : width;
    for (size_t k = 0; k < K; k++) {
      const float *p = x + start * outer_step + k * k_step;
      if (outer_step == 1) memcpy(out, p, count * sizeof(float));
      else
        for (size_t i = 0; i < count; i++) out[i] = p[i * outer_step];
      for (size_t i = count; i < width; i++) out[i] = 0;
      out += width;
    }
  }
}

static void store_tile(vector sums[VD_ROWS][2], size_t rows, size_t columns, float alpha,
                       float beta, float *C, size_t ldc) {
  const float *all = (const float *)sums;
  for (size_t i = 0; i < rows; i++) {
    float *c = C + i * ldc;
    const float *s = all + i * tile_columns;
    if (beta == 0.f)
      for (size_t j = 0; j < columns; j++) c[j] = alpha * s[j];
    else
      for (size_t j = 0; j < columns; j++) c[j] = beta * c[j] + alpha * s[j];
  }
}

static void gemm(bool transposeA, bool transposeB, size_t M, size_t N, size_t K, float alpha,
                 const float *A, size_t lda, const float *B, size_t ldb, float beta, float *C,
                 size_t ldc) {
  if (M == 0 || N == 0) return;
  if (K == 0) {
    for (size_t i = 0; i < M; i++)
      for (size_t j = 0; j < N; j++) C[i * ldc + j] = beta == 0.f ? 0.f : beta * C[i * ldc + j];
    return;
  }
  size_t a_row = transposeA ? 1 : lda, a_k = transposeA ? lda : 1;
  size_t b_column = transposeB ? ldb : 1, b_k = transposeB ? 1 : ldb;
  float *packed_a = vd_scratch(2, (block_m + tile_rows) * block_k * sizeof(float));
  float *packed_b = vd_scratch(3, (block_n + tile_columns) * block_k * sizeof(float));
  vector sums[VD_ROWS][2];
  for (size_t n = 0; n < N; n += block_n) {
    size_t columns = N - n < block_n ? N - n : block_n;
    for (size_t k = 0; k < K; k += block_k) {
      size_t depth = K - k < block_k ? K - k : block_k;
      float factor = k == 0 ? beta : 1.f;
      pack(columns, depth, tile_columns, B + n * b_column + k * b_k, b_column, b_k, packed_b);
      for (size_t m = 0; m < M; m += block_m) {
        size_t rows = M - m < block_m ? M - m : block_m;
        pack(rows, depth, tile_rows, A + m * a_row + k * a_k, a_row, a_k, packed_a);
        for (size_t j = 0; j < columns; j += tile_columns)
          for (size_t i = 0; i < rows; i += tile_rows) {
            tile_product(depth, packed_a + i * depth, packed_b + j * depth, sums);
            store_tile(sums, rows - i < tile_rows ? rows - i : tile_rows,
                       columns - j < tile_columns ? columns - j : tile_columns, alpha, factor,
                       C + (m + i) * ldc + n + j, ldc);
          }
      }
    }
  }
}
