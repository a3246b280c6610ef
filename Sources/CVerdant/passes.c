// Splits elementwise and row-wise kernels over the threads, in blocks that depend on sizes alone.
#include <string.h>

#include "kernels/table.h"

// Elements of a block: 64 KiB of f32, so that a block's operands stay in L2.
enum { block = 16384 };

typedef struct {
  const vd_kernels *k;
  int op;
  vd_type type;
  size_t n, rows, columns, rows_a_block, a_row, a_column, b_row, b_column;
  const void *x, *b, *c;
  void *y, *z;
  double *partial;
  float factor;
  const vd_adamw_settings *adamw;
  const vd_sgd_settings *sgd;
  bool nesterov;
  float rate;
  float *w, *m, *v;
} pass;

static size_t blocks_of(size_t n, size_t size) { return (n + size - 1) / size; }

static size_t length_at(size_t n, size_t start, size_t size) {
  return n - start < size ? n - start : size;
}

static size_t rows_a_block(size_t columns) {
  size_t rows = columns ? block / columns : block;
  return rows ? rows : 1;
}

#define VD_SPAN                             \
  pass *p = context;                        \
  size_t start = index * block, n = length_at(p->n, start, block)

static void unary_task(void *context, size_t index) {
  VD_SPAN;
  p->k->unary((vd_unary_op)p->op, n, (const float *)p->x + start, (float *)p->y + start);
}

void vd_unary(vd_unary_op op, size_t n, const float *x, float *y) {
  pass p = {.k = vd_table(), .op = op, .n = n, .x = x, .y = y};
  vd_parallel(blocks_of(n, block), unary_task, &p);
}

static void binary_task(void *context, size_t index) {
  pass *p = context;
  size_t start = index * p->rows_a_block, rows = length_at(p->rows, start, p->rows_a_block);
  p->k->binary((vd_binary_op)p->op, rows, p->columns, (const float *)p->x + start * p->a_row,
               p->a_row, p->a_column, (const float *)p->b + start * p->b_row, p->b_row,
               p->b_column, (float *)p->y + start * p->columns);
}

void vd_binary(vd_binary_op op, size_t rows, size_t columns, const float *a, size_t a_row,
               size_t a_column, const float *b, size_t b_row, size_t b_column, float *y) {
  if (rows * columns == 0) return;
  pass p = {.k = vd_table(), .op = op, .rows = rows, .columns = columns, .a_row = a_row,
            .a_column = a_column, .b_row = b_row, .b_column = b_column, .x = a, .b = b, .y = y,
            .rows_a_block = rows_a_block(columns)};
  vd_parallel(blocks_of(rows, p.rows_a_block), binary_task, &p);
}

static void reduce_task(void *context, size_t index) {
  pass *p = context;
  size_t start = index * p->rows_a_block, end = start + length_at(p->n, start, p->rows_a_block);
  for (size_t o = start; o < end; o++)
    p->k->reduce((vd_reduction)p->op, p->rows, p->columns,
                 (const float *)p->x + o * p->rows * p->columns, (float *)p->y + o * p->columns);
}

void vd_reduce(vd_reduction op, size_t outer, size_t middle, size_t inner, const float *x,
               float *y) {
  if (outer * inner == 0) return;
  pass p = {.k = vd_table(), .op = op, .n = outer, .rows = middle, .columns = inner, .x = x,
            .y = y, .rows_a_block = rows_a_block(middle * inner)};
  vd_parallel(blocks_of(outer, p.rows_a_block), reduce_task, &p);
}

static void *typed(vd_type type, const void *x, size_t at) {
  return (char *)(uintptr_t)x + at * (type == VD_BF16 ? 2 : 4);
}

static void accumulate_task(void *context, size_t index) {
  VD_SPAN;
  p->k->accumulate(p->type, n, typed(p->type, p->x, start), typed(p->type, p->y, start));
}

void vd_accumulate(vd_type type, size_t n, const void *x, void *y) {
  pass p = {.k = vd_table(), .type = type, .n = n, .x = x, .y = y};
  vd_parallel(blocks_of(n, block), accumulate_task, &p);
}

static void scale_task(void *context, size_t index) {
  VD_SPAN;
  p->k->scale(n, p->factor, (float *)p->y + start);
}

void vd_scale(size_t n, float factor, float *x) {
  pass p = {.k = vd_table(), .n = n, .factor = factor, .y = x};
  vd_parallel(blocks_of(n, block), scale_task, &p);
}

static void fill_task(void *context, size_t index) {
  VD_SPAN;
  p->k->fill(n, p->factor, (float *)p->y + start);
}

void vd_fill(size_t n, float value, float *y) {
  pass p = {.k = vd_table(), .n = n, .factor = value, .y = y};
  vd_parallel(blocks_of(n, block), fill_task, &p);
}

static void squares_task(void *context, size_t index) {
  VD_SPAN;
  p->partial[index] = p->k->sum_of_squares(n, (const float *)p->x + start);
}

double vd_sum_of_squares(size_t n, const float *x) {
  if (n == 0) return 0;
  size_t blocks = blocks_of(n, block);
  pass p = {.k = vd_table(), .n = n, .x = x,
            .partial = vd_scratch(0, blocks * sizeof(double))};
  vd_parallel(blocks, squares_task, &p);
  double total = 0;
  for (size_t i = 0; i < blocks; i++) total += p.partial[i];
  return total;
}

static void to_bf16_task(void *context, size_t index) {
  VD_SPAN;
  p->k->to_bf16(n, (const float *)p->x + start, (uint16_t *)p->y + start);
}

void vd_f32_to_bf16(size_t n, const float *x, uint16_t *y) {
  pass p = {.k = vd_table(), .n = n, .x = x, .y = y};
  vd_parallel(blocks_of(n, block), to_bf16_task, &p);
}

static void from_bf16_task(void *context, size_t index) {
  VD_SPAN;
  p->k->from_bf16(n, (const uint16_t *)p->x + start, (float *)p->y + start);
}

void vd_bf16_to_f32(size_t n, const uint16_t *x, float *y) {
  pass p = {.k = vd_table(), .n = n, .x = x, .y = y};
  vd_parallel(blocks_of(n, block), from_bf16_task, &p);
}

static void activate_task(void *context, size_t index) {
  VD_SPAN;
  // Without a bias the input is only read.
  p->k->bias_activation((vd_activation)p->op, p->type, 1, n, n, NULL, typed(p->type, p->x, start),
                        typed(p->type, p->y, start));
}

void vd_activate(vd_activation a, vd_type type, size_t n, const void *x, void *y) {
  pass p = {.k = vd_table(), .op = a, .type = type, .n = n, .x = x, .y = y};
  vd_parallel(blocks_of(n, block), activate_task, &p);
}

static void slope_task(void *context, size_t index) {
  VD_SPAN;
  p->k->activation_backward((vd_activation)p->op, p->type, n, typed(p->type, p->x, start),
                            typed(p->type, p->b, start), typed(p->type, p->y, start));
}

void vd_activation_backward(vd_activation a, vd_type type, size_t n, const void *dy,
                            const void *z, void *dz) {
  pass p = {.k = vd_table(), .op = a, .type = type, .n = n, .x = dy, .b = z, .y = dz};
  vd_parallel(blocks_of(n, block), slope_task, &p);
}

static void gated_task(void *context, size_t index) {
  VD_SPAN;
  p->k->gated_unit((vd_activation)p->op, p->type, n, typed(p->type, p->x, start),
                   typed(p->type, p->b, start), typed(p->type, p->y, start));
}

void vd_gated_unit(vd_activation a, vd_type type, size_t n, const void *gate, const void *up,
                   void *y) {
  pass p = {.k = vd_table(), .op = a, .type = type, .n = n, .x = gate, .b = up, .y = y};
  vd_parallel(blocks_of(n, block), gated_task, &p);
}

static void gated_backward_task(void *context, size_t index) {
  VD_SPAN;
  p->k->gated_unit_backward((vd_activation)p->op, p->type, n, typed(p->type, p->c, start),
                            typed(p->type, p->x, start), typed(p->type, p->b, start),
                            typed(p->type, p->y, start), typed(p->type, p->z, start));
}

void vd_gated_unit_backward(vd_activation a, vd_type type, size_t n, const void *dy,
                            const void *gate, const void *up, void *dgate, void *dup) {
  pass p = {.k = vd_table(), .op = a, .type = type, .n = n, .x = gate, .b = up, .c = dy,
            .y = dgate, .z = dup};
  vd_parallel(blocks_of(n, block), gated_backward_task, &p);
}

static void adamw_task(void *context, size_t index) {
  VD_SPAN;
  p->k->adamw(p->adamw, n, p->w + start, (const float *)p->x + start, p->m + start, p->v + start);
}

void vd_adamw(const vd_adamw_settings *settings, size_t n, float *weights, const float *gradients,
              float *first, float *second) {
  pass p = {.k = vd_table(), .n = n, .x = gradients, .w = weights, .m = first, .v = second,
            .adamw = settings};
  vd_parallel(blocks_of(n, block), adamw_task, &p);
}

// The sums follow at once, while the block is in L2.
static void lamb_task(void *context, size_t index) {
  VD_SPAN;
  float *u = (float *)p->y + start;
  p->k->lamb(p->adamw, n, p->w + start, (const float *)p->x + start, p->m + start, p->v + start, u);
  p->partial[2 * index] = p->k->sum_of_squares(n, p->w + start);
  p->partial[2 * index + 1] = p->k->sum_of_squares(n, u);
}

void vd_lamb(const vd_adamw_settings *settings, size_t n, const float *weights,
             const float *gradients, float *first, float *second, float *update,
             double *squares) {
  squares[0] = squares[1] = 0;
  if (n == 0) return;
  size_t blocks = blocks_of(n, block);
  pass p = {.k = vd_table(), .n = n, .x = gradients, .w = (float *)weights, .m = first,
            .v = second, .y = update, .adamw = settings,
            .partial = vd_scratch(0, 2 * blocks * sizeof(double))};
  vd_parallel(blocks, lamb_task, &p);
  for (size_t i = 0; i < 2 * blocks; i++) squares[i % 2] += p.partial[i];
}

static void sgd_task(void *context, size_t index) {
  VD_SPAN;
  p->k->sgd(p->sgd, n, p->w + start, (const float *)p->x + start, p->m ? p->m + start : NULL);
}

void vd_sgd(const vd_sgd_settings *settings, size_t n, float *weights, const float *gradients,
            float *velocity) {
  pass p = {.k = vd_table(), .n = n, .x = gradients, .w = weights, .m = velocity, .sgd = settings};
  vd_parallel(blocks_of(n, block), sgd_task, &p);
}

static void average_task(void *context, size_t index) {
  VD_SPAN;
  p->k->average(p->rate, p->nesterov, p->factor, n, (const float *)p->x + start, p->m + start,
                (float *)p->y + start);
}

void vd_average(float momentum, bool nesterov, float scale, size_t n, const float *gradients,
                float *average, float *update) {
  pass p = {.k = vd_table(), .n = n, .rate = momentum, .nesterov = nesterov, .factor = scale,
            .x = gradients, .m = average, .y = update};
  vd_parallel(blocks_of(n, block), average_task, &p);
}

static void step_task(void *context, size_t index) {
  VD_SPAN;
  p->k->step(p->factor, p->rate, n, (const float *)p->x + start, p->w + start);
}

void vd_step(float keep, float rate, size_t n, const float *update, float *weights) {
  pass p = {.k = vd_table(), .n = n, .factor = keep, .rate = rate, .x = update, .w = weights};
  vd_parallel(blocks_of(n, block), step_task, &p);
}
