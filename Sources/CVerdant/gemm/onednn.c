#if defined(VERDANT_ONEDNN)
// Products by oneDNN, versions 2 and 3, each on the calling thread alone: oneDNN's own OpenMP
// team is set to one thread, because this package's threads split every product themselves.
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>

#include "gemm.h"

static char name[64];
static bool bf16;

static void one_thread(void) {
  // Present when oneDNN was built with OpenMP; the setting belongs to the calling thread.
  void (*set)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (set) set(1);
}

// oneDNN's state for one thread: no two threads share a stream or a memory object.
static _Thread_local bool thread_is_ready;

static void prepare_thread(void) {
  if (thread_is_ready) return;
  one_thread();
  thread_is_ready = true;
}

__attribute__((constructor)) static void start(void) {
  vd_on_thread_start(prepare_thread);
  const dnnl_version_t *version = dnnl_version();
  snprintf(name, sizeof name, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
  int isa = (int)dnnl_get_effective_cpu_isa();
  // The bits of avx512_core_bf16 contain those of avx512_core.
  bf16 = (isa & (int)dnnl_cpu_isa_avx512_core_bf16) == (int)dnnl_cpu_isa_avx512_core_bf16;
}

const char *vd_onednn_name(void) { return name; }

bool vd_onednn_has_bf16(void) { return bf16; }

bool vd_onednn_gemm_f32(bool transposeA, bool transposeB, size_t M, size_t N, size_t K,
                        float alpha, const float *A, size_t lda, const float *B, size_t ldb,
                        float beta, float *C, size_t ldc) {
  prepare_thread();
  return dnnl_sgemm(transposeA ? 'T' : 'N', transposeB ? 'T' : 'N', (dnnl_dim_t)M, (dnnl_dim_t)N,
                    (dnnl_dim_t)K, alpha, A, (dnnl_dim_t)lda, B, (dnnl_dim_t)ldb, beta, C,
                    (dnnl_dim_t)ldc) == dnnl_success;
}

bool vd_onednn_gemm_bf16(bool transposeA, bool transposeB, size_t M, size_t N, size_t K,
                         const uint16_t *A, size_t lda, const uint16_t *B, size_t ldb,
                         float beta, float *C, size_t ldc) {
  (void)transposeA, (void)transposeB, (void)M, (void)N, (void)K, (void)A, (void)lda, (void)B;
  (void)ldb, (void)beta, (void)C, (void)ldc;
  return false;
}
#endif
