#if defined(VERDANT_ONEDNN)
// Products by oneDNN, versions 2 and 3, each on the calling thread alone: oneDNN's own OpenMP
// team is set to one thread, because this package's threads split every product themselves.
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

// One compiled product of a thread: primitives and memory objects are not shared, so no thread waits
// for another. Their scratchpads are one block of the thread, not one for each shape.
typedef struct {
  // 64 bits each: no padding that a comparison of bytes would see.
  int64_t transposeA, transposeB, accumulates, has_bias, type;
  dnnl_dim_t M, N, K, lda, ldb, ldc;
} product_key;

typedef struct {
  product_key key;
  dnnl_primitive_t primitive;
  dnnl_memory_t a, b, bias, c, scratchpad;
  size_t scratch_bytes;
} product;

enum { cached_products = 64 };
// Of the thread's scratch space; no other product runs on the thread meanwhile.
enum { scratch_slot = 7 };

static _Thread_local struct {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  product products[cached_products];
  int count, next;
} cache;

static dnnl_status_t describe(dnnl_memory_t *memory, dnnl_dim_t rows, dnnl_dim_t columns,
                              dnnl_data_type_t type, dnnl_dim_t row_step, dnnl_dim_t column_step,
                              dnnl_memory_desc_t *descriptor) {
  dnnl_dims_t dims = {rows, columns}, strides = {row_step, column_step};
#if DNNL_VERSION_MAJOR >= 3
  dnnl_status_t status =
      dnnl_memory_desc_create_with_strides(descriptor, 2, dims, type, strides);
  if (status != dnnl_success) return status;
  return dnnl_memory_create(memory, *descriptor, cache.engine, DNNL_MEMORY_NONE);
#else
  dnnl_status_t status = dnnl_memory_desc_init_by_strides(descriptor, 2, dims, type, strides);
  if (status != dnnl_success) return status;
  return dnnl_memory_create(memory, descriptor, cache.engine, DNNL_MEMORY_NONE);
#endif
}

static bool compile(product *p, const product_key *k) {
  dnnl_memory_desc_t a, b, c, bias;
  if (describe(&p->a, k->M, k->K, dnnl_bf16, k->transposeA ? 1 : k->lda,
               k->transposeA ? k->lda : 1, &a) != dnnl_success ||
      describe(&p->b, k->K, k->N, dnnl_bf16, k->transposeB ? 1 : k->ldb,
               k->transposeB ? k->ldb : 1, &b) != dnnl_success ||
      describe(&p->bias, 1, k->N, dnnl_f32, k->N, 1, &bias) != dnnl_success ||
      describe(&p->c, k->M, k->N, k->type == VD_BF16 ? dnnl_bf16 : dnnl_f32, k->ldc, 1, &c) !=
          dnnl_success)
    return false;
  dnnl_primitive_attr_t attributes;
  dnnl_post_ops_t operations;
  if (dnnl_primitive_attr_create(&attributes) != dnnl_success) return false;
  if (dnnl_post_ops_create(&operations) != dnnl_success) return false;
  bool ready = !k->accumulates || dnnl_post_ops_append_sum(operations, 1.f
#if DNNL_VERSION_MAJOR >= 3
                                                           , 0, dnnl_data_type_undef
#endif
                                                           ) == dnnl_success;
  ready = ready && dnnl_primitive_attr_set_scratchpad_mode(
                       attributes, dnnl_scratchpad_mode_user) == dnnl_success;
  ready = ready && dnnl_primitive_attr_set_post_ops(attributes, operations) == dnnl_success;
  dnnl_primitive_desc_t descriptor = NULL;
#if DNNL_VERSION_MAJOR >= 3
  ready = ready && dnnl_matmul_primitive_desc_create(&descriptor, cache.engine, a, b,
                                                     k->has_bias ? bias : NULL, c,
                                                     attributes) == dnnl_success;
#else
  dnnl_matmul_desc_t matmul;
  ready = ready && dnnl_matmul_desc_init(&matmul, &a, &b, k->has_bias ? &bias : NULL, &c) ==
                       dnnl_success &&
          dnnl_primitive_desc_create(&descriptor, &matmul, attributes, cache.engine, NULL) ==
              dnnl_success;
#endif
  ready = ready && dnnl_primitive_create(&p->primitive, descriptor) == dnnl_success;
  if (ready) {
#if DNNL_VERSION_MAJOR >= 3
    const_dnnl_memory_desc_t needed =
        dnnl_primitive_desc_query_md(descriptor, dnnl_query_scratchpad_md, 0);
#else
    const dnnl_memory_desc_t *needed =
        dnnl_primitive_desc_query_md(descriptor, dnnl_query_scratchpad_md, 0);
#endif
    p->scratch_bytes = needed ? dnnl_memory_desc_get_size(needed) : 0;
    ready = p->scratch_bytes == 0 ||
            dnnl_memory_create(&p->scratchpad, needed, cache.engine, DNNL_MEMORY_NONE) ==
                dnnl_success;
  }
  if (descriptor) dnnl_primitive_desc_destroy(descriptor);
#if DNNL_VERSION_MAJOR >= 3
  dnnl_memory_desc_destroy(a);
  dnnl_memory_desc_destroy(b);
  dnnl_memory_desc_destroy(c);
  dnnl_memory_desc_destroy(bias);
#endif
  dnnl_post_ops_destroy(operations);
  dnnl_primitive_attr_destroy(attributes);
  p->key = *k;
  return ready;
}

static void forget(product *p) {
  if (p->primitive) dnnl_primitive_destroy(p->primitive);
  if (p->a) dnnl_memory_destroy(p->a);
  if (p->b) dnnl_memory_destroy(p->b);
  if (p->bias) dnnl_memory_destroy(p->bias);
  if (p->c) dnnl_memory_destroy(p->c);
  if (p->scratchpad) dnnl_memory_destroy(p->scratchpad);
  memset(p, 0, sizeof *p);
}

static product *find(const product_key *key) {
  if (!cache.engine) {
    if (dnnl_engine_create(&cache.engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&cache.stream, cache.engine, dnnl_stream_default_flags) !=
            dnnl_success)
      return NULL;
  }
  for (int i = 0; i < cache.count; i++)
    if (memcmp(&cache.products[i].key, key, sizeof *key) == 0) return &cache.products[i];
  int place = cache.count < cached_products ? cache.count++ : cache.next++ % cached_products;
  product *p = &cache.products[place];
  forget(p);
  if (compile(p, key)) return p;
  forget(p);
  return NULL;
}

bool vd_onednn_gemm_bf16(bool transposeA, bool transposeB, size_t M, size_t N, size_t K,
                         const uint16_t *A, size_t lda, const uint16_t *B, size_t ldb,
                         float beta, const float *bias, vd_type type, void *C, size_t ldc) {
  if (beta != 0.f && beta != 1.f) return false;
  prepare_thread();
  product_key key = {transposeA,    transposeB,    beta == 1.f,     bias != NULL,
                     type,          (dnnl_dim_t)M, (dnnl_dim_t)N,   (dnnl_dim_t)K,
                     (dnnl_dim_t)lda, (dnnl_dim_t)ldb, (dnnl_dim_t)ldc};
  product *p = find(&key);
  if (!p) return false;
  dnnl_memory_set_data_handle(p->a, (void *)A);
  dnnl_memory_set_data_handle(p->b, (void *)B);
  dnnl_memory_set_data_handle(p->c, C);
  if (bias) dnnl_memory_set_data_handle(p->bias, (void *)bias);
  dnnl_exec_arg_t arguments[5] = {
      {DNNL_ARG_SRC, p->a}, {DNNL_ARG_WEIGHTS, p->b}, {DNNL_ARG_DST, p->c}};
  int count = 3;
  if (bias) arguments[count++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, p->bias};
  if (p->scratchpad) {
    dnnl_memory_set_data_handle(p->scratchpad, vd_scratch(scratch_slot, p->scratch_bytes));
    arguments[count++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, p->scratchpad};
  }
  return dnnl_primitive_execute(p->primitive, cache.stream, count, arguments) == dnnl_success &&
         dnnl_stream_wait(cache.stream) == dnnl_success;
}
#endif
