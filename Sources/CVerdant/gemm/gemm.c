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


enum { widened_k = 512 };
// Scratch slots of the products of bf16 operands without bf16 instructions.
enum { slot_a = 4, slot_b = 5, slot_c = 6 };

static void widen(const vd_kernels *k, size_t rows, size_t columns, const uint16_t *x, size_t ld,
                  float *y) {
  for (size_t r = 0; r < rows; r++) k->from_bf16(columns, x + r * ld, y + r * columns);
}

// The same sums of the same products, in f32, a range of K at a time.
static void widened_tile(const vd_product *p, size_t M, size_t N, const uint16_t *A,
                         const uint16_t *B, void *C) {
  const vd_kernels *k = vd_table();
  size_t depth = p->K < widened_k ? p->K : widened_k;
  float *a = vd_scratch(slot_a, M * depth * sizeof(float));
  float *b = vd_scratch(slot_b, N * depth * sizeof(float));
  bool narrow = p->result == VD_BF16;
  float *c = narrow ? vd_scratch(slot_c, M * N * sizeof(float)) : C;
  size_t ldc = narrow ? N : p->ldc;
  for (size_t at = 0; at < p->K || at == 0; at += depth) {
    size_t n = p->K - at < depth ? p->K - at : depth;
    if (p->transposeA) widen(k, n, M, A + at * p->lda, p->lda, a);
    else widen(k, M, n, A + at, p->lda, a);
    if (p->transposeB) widen(k, N, n, B + at, p->ldb, b);
    else widen(k, n, N, B + at * p->ldb, p->ldb, b);
    vd_gemm_tile_f32(p->transposeA, p->transposeB, M, N, n, 1, a, p->transposeA ? M : n, b,
                     p->transposeB ? n : N, at == 0 && (narrow || p->beta == 0) ? 0 : 1, c, ldc);
    if (depth == 0) break;
  }
  if (!narrow) return;
  for (size_t r = 0; r < M; r++) k->to_bf16(N, c + r * N, (uint16_t *)C + r * p->ldc);
}

static void run_tile(void *context, size_t index) {
  const vd_product *p = context;
  size_t m = index / p->columns_of_tiles * p->tile_m, n = index % p->columns_of_tiles * p->tile_n;
  size_t rows = p->M - m < p->tile_m ? p->M - m : p->tile_m;
  size_t columns = p->N - n < p->tile_n ? p->N - n : p->tile_n;
  size_t a = p->transposeA ? m : m * p->lda, b = p->transposeB ? n * p->ldb : n;
  size_t c = m * p->ldc + n;
  if (p->begin) p->begin(p, m, n, rows, columns);
  if (p->operands == VD_F32) {
    vd_gemm_tile_f32(p->transposeA, p->transposeB, rows, columns, p->K, p->alpha,
                     (const float *)p->A + a, p->lda, (const float *)p->B + b, p->ldb, p->beta,
                     (float *)p->C + c, p->ldc);
  } else {
    const uint16_t *A = (const uint16_t *)p->A + a, *B = (const uint16_t *)p->B + b;
    void *C = p->result == VD_BF16 ? (void *)((uint16_t *)p->C + c) : (void *)((float *)p->C + c);
    bool done = false;
#if defined(VERDANT_ONEDNN)
    done = p->K > 0 && vd_gemm_has_bf16() &&
           vd_onednn_gemm_bf16(p->transposeA, p->transposeB, rows, columns, p->K, A, p->lda, B,
                               p->ldb, p->beta, p->bias ? p->bias + n : NULL, p->result, C,
                               p->ldc);
#endif
    if (!done) {
      widened_tile(p, rows, columns, A, B, C);
      if (p->bias)
        vd_table()->bias_activation(VD_ACT_NONE, p->result, rows, columns, p->ldc, p->bias + n, C,
                                    C);
    }
  }
  if (p->finish) p->finish(p, m, n, rows, columns);
}

static size_t rounded_up(size_t value, size_t step) { return (value + step - 1) / step * step; }

// The grid follows from the shape alone and K is never split: the same bits for every thread
// count. The longer side is cut until there are eight tiles or they get too small to pay.
void vd_run_product(vd_product *p) {
  if (p->M == 0 || p->N == 0) return;
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
  p->columns_of_tiles = (p->N + p->tile_n - 1) / p->tile_n;
  vd_parallel((p->M + p->tile_m - 1) / p->tile_m * p->columns_of_tiles, run_tile, p);
}

void vd_gemm_f32(bool transposeA, bool transposeB, size_t M, size_t N, size_t K, float alpha,
                 const float *A, size_t lda, const float *B, size_t ldb, float beta, float *C,
                 size_t ldc) {
  vd_product p = {.transposeA = transposeA, .transposeB = transposeB, .M = M, .N = N, .K = K,
                  .A = A, .lda = lda, .B = B, .ldb = ldb, .C = C, .ldc = ldc, .alpha = alpha,
                  .beta = beta};
  vd_run_product(&p);
}

void vd_gemm_bf16(bool transposeA, bool transposeB, size_t M, size_t N, size_t K,
                  const uint16_t *A, size_t lda, const uint16_t *B, size_t ldb, bool accumulates,
                  vd_type type, void *C, size_t ldc) {
  vd_product p = {.transposeA = transposeA, .transposeB = transposeB, .operands = VD_BF16,
                  .result = type, .M = M, .N = N, .K = K, .A = A, .lda = lda, .B = B, .ldb = ldb,
                  .C = C, .ldc = ldc, .alpha = 1, .beta = accumulates ? 1 : 0};
  vd_run_product(&p);
}

static void begin_sum(const vd_product *p, size_t row, size_t column, size_t rows,
                      size_t columns) {
  const vd_affine_call *call = p->context;
  size_t at = row * p->ldc + column;
  vd_table()->add_bias_rows(rows, columns, p->ldc, call->residual + at,
                            call->bias ? call->bias + column : NULL, (float *)p->C + at);
}

static void finish_map(const vd_product *p, size_t row, size_t column, size_t rows,
                       size_t columns) {
  const vd_affine_call *call = p->context;
  size_t at = row * p->ldc + column, size = p->result == VD_BF16 ? 2 : 4;
  bool bias = call->bias && p->operands == VD_F32;
  vd_table()->bias_activation(call->activation, p->result, rows, columns, p->ldc,
                              bias ? call->bias + column : NULL, (char *)p->C + at * size,
                              (char *)call->y + at * size);
}

void vd_affine(const vd_affine_call *call) {
  vd_product p = {.transposeB = true, .operands = call->type, .result = call->result,
                  .M = call->rows, .N = call->columns, .K = call->width, .A = call->x,
                  .lda = call->width, .B = call->weight, .ldb = call->width,
                  .C = call->before ? call->before : call->y, .ldc = call->columns, .alpha = 1,
                  .context = call};
  if (call->residual) {
    p.begin = begin_sum;
    p.beta = 1;
  } else {
    if (call->type == VD_BF16) p.bias = call->bias;
    if (call->activation != VD_ACT_NONE || (call->bias && call->type == VD_F32))
      p.finish = finish_map;
  }
  vd_run_product(&p);
}
