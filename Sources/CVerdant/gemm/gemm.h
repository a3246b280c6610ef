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
bool vd_onednn_gemm_bf16(bool transposeA, bool transposeB, size_t M, size_t N, size_t K,
                         const uint16_t *A, size_t lda, const uint16_t *B, size_t ldb,
                         float beta, float *C, size_t ldc);
#endif

#endif
