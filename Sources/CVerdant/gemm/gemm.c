#include "gemm.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int library_off;

bool vd_gemm_has_library(void) {
#if defined(VERDANT_ONEDNN)
  return true;
#else
  return false;
#endif
}

#if defined(VERDANT_ONEDNN)
static bool library_in_use(void) {
  return !atomic_load_explicit(&library_off, memory_order_relaxed);
}
#endif

__attribute__((constructor)) static void read_choice(void) {
  const char *choice = getenv("VERDANT_GEMM");
  if (choice && strcmp(choice, "builtin") == 0) library_off = 1;
}

void vd_gemm_use_library(bool use) { atomic_store(&library_off, use ? 0 : 1); }

const char *vd_gemm_provider(void) {
#if defined(VERDANT_ONEDNN)
  if (library_in_use()) return vd_onednn_name();
#endif
  return "built-in";
}

bool vd_gemm_has_bf16(void) {
#if defined(VERDANT_ONEDNN)
  return library_in_use() && vd_onednn_has_bf16();
#else
  return false;
#endif
}

void vd_gemm_tile_f32(bool transposeA, bool transposeB, size_t M, size_t N, size_t K, float alpha,
                      const float *A, size_t lda, const float *B, size_t ldb, float beta,
                      float *C, size_t ldc) {
  if (M == 0 || N == 0) return;
#if defined(VERDANT_ONEDNN)
  if (K > 0 && library_in_use() &&
      vd_onednn_gemm_f32(transposeA, transposeB, M, N, K, alpha, A, lda, B, ldb, beta, C, ldc))
    return;
#endif
  vd_table()->gemm(transposeA, transposeB, M, N, K, alpha, A, lda, B, ldb, beta, C, ldc);
}

typedef struct {
  bool transposeA, transposeB, bf16;
  size_t M, N, K, lda, ldb, ldc, tile_m, tile_n, columns;
  float alpha, beta;
  const void *A, *B;
  float *C;
  _Atomic bool failed;
} product;

static void run_tile(void *context, size_t index) {
  product *p = context;
  size_t m = index / p->columns * p->tile_m, n = index % p->columns * p->tile_n;
  size_t rows = p->M - m < p->tile_m ? p->M - m : p->tile_m;
  size_t columns = p->N - n < p->tile_n ? p->N - n : p->tile_n;
  size_t a = p->transposeA ? m : m * p->lda, b = p->transposeB ? n * p->ldb : n;
  float *C = p->C + m * p->ldc + n;
  if (!p->bf16) {
    vd_gemm_tile_f32(p->transposeA, p->transposeB, rows, columns, p->K, p->alpha,
                     (const float *)p->A + a, p->lda, (const float *)p->B + b, p->ldb, p->beta, C,
                     p->ldc);
    return;
  }
#if defined(VERDANT_ONEDNN)
  if (!vd_onednn_gemm_bf16(p->transposeA, p->transposeB, rows, columns, p->K,
                           (const uint16_t *)p->A + a, p->lda, (const uint16_t *)p->B + b, p->ldb,
                           p->beta, C, p->ldc))
    p->failed = true;
#endif
}

static size_t rounded_up(size_t value, size_t step) { return (value + step - 1) / step * step; }

// The grid follows from the shape alone and K is never split: the same bits for every thread
// count. The longer side is cut until there are eight tiles or they get too small to pay.
static void run(product *p) {
  size_t m = 1, n = 1;
  while (m * n < 8) {
    size_t rows = p->M / m, columns = p->N / n;
    if (rows >= columns && rows >= 128) m *= 2;
    else if (columns >= 128) n *= 2;
    else if (rows >= 128) m *= 2;
    else break;
  }
  p->tile_m = rounded_up((p->M + m - 1) / m, 48);
  p->tile_n = rounded_up((p->N + n - 1) / n, 64);
  p->columns = (p->N + p->tile_n - 1) / p->tile_n;
  vd_parallel((p->M + p->tile_m - 1) / p->tile_m * p->columns, run_tile, p);
}

void vd_gemm_f32(bool transposeA, bool transposeB, size_t M, size_t N, size_t K, float alpha,
                 const float *A, size_t lda, const float *B, size_t ldb, float beta, float *C,
                 size_t ldc) {
  if (M == 0 || N == 0) return;
  product p = {transposeA, transposeB, false, M, N, K, lda, ldb, ldc, 0, 0, 0,
               alpha,      beta,       A,     B, C, false};
  run(&p);
}

bool vd_gemm_bf16(bool transposeA, bool transposeB, size_t M, size_t N, size_t K,
                  const uint16_t *A, size_t lda, const uint16_t *B, size_t ldb, float beta,
                  float *C, size_t ldc) {
  if (!vd_gemm_has_bf16()) return false;
  if (M == 0 || N == 0) return true;
  product p = {transposeA, transposeB, true, M, N, K, lda, ldb, ldc, 0, 0, 0,
               1.f,        beta,       A,    B, C, false};
  run(&p);
  return !p.failed;
}
