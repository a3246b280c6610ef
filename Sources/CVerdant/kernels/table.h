// The kernels that exist once per instruction set. Every function works on the calling thread.
#ifndef VD_TABLE_H
#define VD_TABLE_H

#include "../include/CVerdant.h"
#include "../threads.h"

typedef struct {
  const char *name;
  void (*unary)(vd_unary_op op, size_t n, const float *x, float *y);
  void (*binary)(vd_binary_op op, size_t rows, size_t columns, const float *a, size_t a_row,
                 size_t a_column, const float *b, size_t b_row, size_t b_column, float *y);
  void (*reduce)(vd_reduction op, size_t middle, size_t inner, const float *x, float *y);
  void (*accumulate)(vd_type type, size_t n, const void *x, void *y);
  void (*scale)(size_t n, float factor, float *x);
  void (*fill)(size_t n, float value, float *y);
  double (*sum_of_squares)(size_t n, const float *x);
  float (*sum)(size_t n, const float *x);
  void (*to_bf16)(size_t n, const float *x, uint16_t *y);
  void (*from_bf16)(size_t n, const uint16_t *x, float *y);
  void (*bias_activation)(vd_activation a, vd_type type, size_t rows, size_t columns, size_t ld,
                          const float *bias, void *z, void *y);
  void (*add_bias_rows)(size_t rows, size_t columns, size_t ld, const float *x, const float *bias,
                        float *y);
  void (*activation_backward)(vd_activation a, vd_type type, size_t n, const void *dy,
                              const void *z, void *dz);
  void (*gated_unit)(vd_activation a, vd_type type, size_t n, const void *gate, const void *up,
                     void *y);
  void (*gated_unit_backward)(vd_activation a, vd_type type, size_t n, const void *dy,
                              const void *gate, const void *up, void *dgate, void *dup);
  void (*column_sum)(size_t rows, size_t columns, vd_type type, const void *x, float *y);
  void (*layer_norm)(size_t rows, size_t columns, float epsilon, const float *x,
                     const float *scale, const float *bias, vd_type type, void *y,
                     float *statistics, bool known);
  void (*layer_norm_backward)(size_t rows, size_t columns, vd_type type, const void *dy,
                              const float *x, const float *scale, const float *statistics,
                              float *dx, float *dscale, float *dbias);
  void (*rms_norm)(size_t rows, size_t columns, float epsilon, const float *x,
                   const float *scale, vd_type type, void *y, float *statistics, bool known);
  void (*rms_norm_backward)(size_t rows, size_t columns, vd_type type, const void *dy,
                            const float *x, const float *scale, const float *statistics,
                            float *dx, float *dscale);
  void (*rotary_table)(size_t count, size_t half, const double *turn_cosine,
                       const double *turn_sine, double *cosine, double *sine, float *table_cosine,
                       float *table_sine);
  void (*rotate)(vd_type type, size_t heads, size_t half, float sign, const float *cosine,
                 const float *sine, const void *x, void *y);
  void (*block_product)(vd_type type, size_t M, size_t N, size_t K, const float *a,
                        size_t row_step, size_t k_step, const float *b, size_t ldb,
                        bool accumulates, float *c, size_t ldc);
  void (*load_rows)(vd_type type, size_t rows, size_t columns, const void *x, size_t ldx,
                    float *y, size_t ldy);
  void (*load_columns)(vd_type type, size_t rows, size_t columns, const void *x, size_t ldx,
                       float *y, size_t ldy);
  void (*load_pairs)(size_t rows, size_t columns, const uint16_t *x, size_t ldx, float *y,
                     size_t ldy);
  void (*store_block)(vd_type type, size_t rows, size_t columns, const float *x, size_t ldx,
                      const float *factors, void *y, size_t ldy);
  void (*add_diagonals)(size_t rows, size_t columns, float scale, const float *diagonals,
                        float *scores, size_t ld);
  void (*softmax_columns)(vd_type type, size_t keys, size_t columns, const int32_t *first,
                          const int32_t *visible, float scale, float *scores, size_t ld,
                          float *maximum, float *total, float *factors);
  void (*score_gradients)(vd_type type, size_t rows, size_t columns, size_t seen,
                          const int32_t *first,
                          const int32_t *visible, const float *lse, const float *delta,
                          float scale, float factor, float *scores, float *gradients, size_t ld,
                          float *rows_of_pairs, float *diagonals);
  void (*row_dot)(vd_type type, size_t rows, size_t columns, const void *a, const void *b,
                  size_t ld, float *y);
  double (*cross_entropy)(size_t rows, size_t vocabulary, const int32_t *targets, float smoothing,
                          float *logits, bool gradient, float factor, uint16_t *narrow);
  void (*adamw)(const vd_adamw_settings *s, size_t n, float *w, const float *g, float *m,
                float *v);
  void (*lamb)(const vd_adamw_settings *s, size_t n, const float *w, const float *g, float *m,
               float *v, float *u);
  void (*sgd)(const vd_sgd_settings *s, size_t n, float *w, const float *g, float *m);
  void (*average)(float momentum, bool nesterov, float scale, size_t n, const float *g, float *m,
                  float *u);
  void (*step)(float keep, float rate, size_t n, const float *u, float *w);
  void (*dropout)(uint64_t key, uint64_t first_counter, float rate, size_t n, const float *x,
                  float *y);
  void (*gemm)(bool transposeA, bool transposeB, size_t M, size_t N, size_t K, float alpha,
               const float *A, size_t lda, const float *B, size_t ldb, float beta, float *C,
               size_t ldc);
} vd_kernels;

/// The kernels of the selected instruction set.
const vd_kernels *vd_table(void);

extern const vd_kernels vd_kernels_baseline;
#if defined(__x86_64__)
extern const vd_kernels vd_kernels_avx2;
extern const vd_kernels vd_kernels_avx512;
extern const vd_kernels vd_kernels_avx512bf16;
#endif

#endif
