// One contract for every provider of products: row-major, transposes, alpha, beta; the calling
// thread only; beta = 0 never reads C.
#ifndef VD_GEMM_H
#define VD_GEMM_H

#include "../kernels/table.h"

#if defined(VERDANT_ONEDNN)
const char *vd_onednn_name(void);
bool vd_onednn_gemm_f32(bool transposeA, bool transposeB, size_t M, size_t N, size_t K,
                        float alpha, const float *A, size_t lda, const float *B, size_t ldb,
                        float beta, float *C, size_t ldc);
bool vd_onednn_has_bf16(void);
// C = op(A) op(B) + beta C + bias, C of `type`; the bias [N] may be NULL; beta is 0 or 1.
bool vd_onednn_gemm_bf16(bool transposeA, bool transposeB, size_t M, size_t N, size_t K,
                         const uint16_t *A, size_t lda, const uint16_t *B, size_t ldb,
                         float beta, const float *bias, vd_type type, void *C, size_t ldc);
#endif

// A product over all threads, in tiles; `begin` runs before and `finish` after the product of each
// tile, on the tile's thread, while it is in the caches.
typedef struct vd_product {
  bool transposeA, transposeB;
  vd_type operands, result;
  size_t M, N, K;
  const void *A;
  size_t lda;
  const void *B;
  size_t ldb;
  void *C;
  size_t ldc;
  float alpha, beta;
  const float *bias;  // with bf16 operands only
  void (*begin)(const struct vd_product *p, size_t row, size_t column, size_t rows,
                size_t columns);
  void (*finish)(const struct vd_product *p, size_t row, size_t column, size_t rows,
                 size_t columns);
  const void *context;
  size_t tile_m, tile_n, columns_of_tiles;
} vd_product;

void vd_run_product(vd_product *p);

#endif
