// Passes over rows, among them those that sum over rows: partial sums of fixed row ranges,
// added in order, give the same bits for every thread count.
#include <stdlib.h>
#include <string.h>

#include "kernels/table.h"

// Row ranges of a sum over rows.
enum { most_ranges = 32, least_rows = 32 };

static size_t range_rows(size_t rows) {
  size_t size = (rows + most_ranges - 1) / most_ranges;
  return size < least_rows ? least_rows : size;
}

static size_t range_count(size_t rows) {
  size_t size = range_rows(rows);
  return (rows + size - 1) / size;
}

typedef struct {
  const vd_kernels *k;
  size_t rows, columns, range;
  float epsilon;
  vd_type type;
  bool known;
  const float *x, *scale, *bias;
  const void *dy;
  float *y, *statistics, *first, *second;
  const float *saved;
  const int32_t *indices;
} row_pass;

static void *typed(vd_type type, const void *x, size_t at) {
  return (char *)(uintptr_t)x + at * (type == VD_BF16 ? 2 : 4);
}

static void column_task(void *context, size_t index) {
  row_pass *p = context;
  size_t start = index * p->range, rows = p->rows - start < p->range ? p->rows - start : p->range;
  p->k->column_sum(rows, p->columns, p->type, typed(p->type, p->dy, start * p->columns),
                   p->first + index * p->columns);
}

// y = sum of `count` partial rows, in order.
static void combine(const vd_kernels *k, size_t count, size_t columns, const float *partial,
                    float *y) {
  k->column_sum(count, columns, VD_F32, partial, y);
}

void vd_column_sum(size_t rows, size_t columns, vd_type type, const void *x, float *y) {
  size_t count = range_count(rows);
  row_pass p = {.k = vd_table(), .rows = rows, .columns = columns, .range = range_rows(rows),
                .type = type, .dy = x, .first = vd_scratch(0, (count + 1) * columns * sizeof(float))};
  vd_parallel(count, column_task, &p);
  combine(p.k, count, columns, p.first, y);
}

static void norm_task(void *context, size_t index) {
  row_pass *p = context;
  size_t start = index * p->range, rows = p->rows - start < p->range ? p->rows - start : p->range;
  p->k->layer_norm(rows, p->columns, p->epsilon, p->x + start * p->columns, p->scale, p->bias,
                   p->type, typed(p->type, p->y, start * p->columns), p->statistics + 2 * start,
                   p->known);
}

void vd_layer_norm(size_t rows, size_t columns, float epsilon, const float *x, const float *scale,
                   const float *bias, vd_type type, void *y, float *statistics, bool known) {
  row_pass p = {.k = vd_table(), .rows = rows, .columns = columns, .range = range_rows(rows),
                .epsilon = epsilon, .type = type, .known = known, .x = x, .scale = scale,
                .bias = bias, .y = y, .statistics = statistics};
  vd_parallel(range_count(rows), norm_task, &p);
}

static void norm_backward_task(void *context, size_t index) {
  row_pass *p = context;
  size_t start = index * p->range, rows = p->rows - start < p->range ? p->rows - start : p->range;
  size_t at = start * p->columns;
  float *dscale = p->first + index * p->columns;
  float *dbias = p->second ? p->second + index * p->columns : NULL;
  memset(dscale, 0, p->columns * sizeof(float));
  if (dbias) memset(dbias, 0, p->columns * sizeof(float));
  p->k->layer_norm_backward(rows, p->columns, p->type, typed(p->type, p->dy, at), p->x + at, p->scale,
                            p->saved + 2 * start, p->y + at, dscale, dbias);
}

void vd_layer_norm_backward(size_t rows, size_t columns, vd_type type, const void *dy,
                            const float *x,
                            const float *scale, const float *statistics, float *dx, float *dscale,
                            float *dbias) {
  size_t count = range_count(rows), bytes = (count + 1) * columns * sizeof(float);
  row_pass p = {.k = vd_table(), .rows = rows, .columns = columns, .range = range_rows(rows),
                .type = type, .dy = dy, .x = x, .scale = scale, .saved = statistics, .y = dx,
                .first = vd_scratch(0, bytes), .second = dbias ? vd_scratch(1, bytes) : NULL};
  vd_parallel(count, norm_backward_task, &p);
  combine(p.k, count, columns, p.first, dscale);
  if (dbias) combine(p.k, count, columns, p.second, dbias);
}

static void rms_task(void *context, size_t index) {
  row_pass *p = context;
  size_t start = index * p->range, rows = p->rows - start < p->range ? p->rows - start : p->range;
  p->k->rms_norm(rows, p->columns, p->epsilon, p->x + start * p->columns, p->scale, p->type,
                 typed(p->type, p->y, start * p->columns), p->statistics + start, p->known);
}

void vd_rms_norm(size_t rows, size_t columns, float epsilon, const float *x, const float *scale,
                 vd_type type, void *y, float *statistics, bool known) {
  row_pass p = {.k = vd_table(), .rows = rows, .columns = columns, .range = range_rows(rows),
                .epsilon = epsilon, .type = type, .known = known, .x = x, .scale = scale, .y = y,
                .statistics = statistics};
  vd_parallel(range_count(rows), rms_task, &p);
}

static void rms_backward_task(void *context, size_t index) {
  row_pass *p = context;
  size_t start = index * p->range, rows = p->rows - start < p->range ? p->rows - start : p->range;
  size_t at = start * p->columns;
  float *dscale = p->first + index * p->columns;
  memset(dscale, 0, p->columns * sizeof(float));
  p->k->rms_norm_backward(rows, p->columns, p->type, typed(p->type, p->dy, at), p->x + at,
                          p->scale, p->saved + start, p->y + at, dscale);
}

void vd_rms_norm_backward(size_t rows, size_t columns, vd_type type, const void *dy,
                          const float *x, const float *scale, const float *statistics, float *dx,
                          float *dscale) {
  size_t count = range_count(rows), bytes = (count + 1) * columns * sizeof(float);
  row_pass p = {.k = vd_table(), .rows = rows, .columns = columns, .range = range_rows(rows),
                .type = type, .dy = dy, .x = x, .scale = scale, .saved = statistics, .y = dx,
                .first = vd_scratch(0, bytes)};
  vd_parallel(count, rms_backward_task, &p);
  combine(p.k, count, columns, p.first, dscale);
}

static void gather_task(void *context, size_t index) {
  row_pass *p = context;
  size_t start = index * p->range, end = start + p->range;
  for (size_t r = start; r < end && r < p->rows; r++)
    memcpy(p->y + r * p->columns, p->x + (size_t)p->indices[r] * p->columns,
           p->columns * sizeof(float));
}

void vd_gather_rows(size_t count, size_t columns, const float *table, const int32_t *indices,
                    float *y) {
  row_pass p = {.rows = count, .columns = columns, .range = range_rows(count), .x = table,
                .indices = indices, .y = y};
  vd_parallel(range_count(count), gather_task, &p);
}

// Each task owns a range of columns and walks all rows: no two tasks write one element, and
// every element is added in the order of the rows.
static void scatter_task(void *context, size_t index) {
  row_pass *p = context;
  size_t start = index * p->range;
  size_t width = p->columns - start < p->range ? p->columns - start : p->range;
  for (size_t r = 0; r < p->rows; r++)
    p->k->accumulate(VD_F32, width, p->x + r * p->columns + start,
                     p->y + (size_t)p->indices[r] * p->columns + start);
}

void vd_scatter_add_rows(size_t count, size_t columns, const float *rows,
                         const int32_t *indices, float *table) {
  row_pass p = {.k = vd_table(), .rows = count, .columns = columns, .range = 64, .x = rows,
                .indices = indices, .y = table};
  vd_parallel((columns + 63) / 64, scatter_task, &p);
}

typedef struct {
  size_t rank, inner_count;
  const size_t *shape, *strides;
  const float *x;
  float *y;
} permute_pass;

// One task copies one slice of the first axis.
static void permute_task(void *context, size_t index) {
  permute_pass *p = context;
  size_t counter[8] = {0};
  const float *from = p->x + index * p->strides[0];
  float *to = p->y + index * p->inner_count;
  size_t last = p->rank - 1, length = last == 0 ? 1 : p->shape[last];
  size_t step = last == 0 ? 1 : p->strides[last];
  for (size_t done = 0; done < p->inner_count; done += length) {
    if (step == 1) memcpy(to, from, length * sizeof(float));
    else
      for (size_t i = 0; i < length; i++) to[i] = from[i * step];
    to += length;
    for (size_t axis = last; axis-- > 1;) {
      from += p->strides[axis];
      if (++counter[axis] < p->shape[axis]) break;
      from -= p->strides[axis] * p->shape[axis];
      counter[axis] = 0;
    }
  }
}

void vd_permute(size_t rank, const size_t *shape, const size_t *strides, const float *x,
                float *y) {
  if (rank == 0) {
    y[0] = x[0];
    return;
  }
  size_t inner = 1;
  for (size_t i = 1; i < rank; i++) inner *= shape[i];
  if (inner == 0) return;
  permute_pass p = {rank, inner, shape, strides, x, y};
  vd_parallel(shape[0], permute_task, &p);
}

static void read_task(void *context, size_t index) {
  row_pass *p = context;
  size_t start = index * p->range, n = p->rows - start < p->range ? p->rows - start : p->range;
  p->y[index] = p->k->sum(n, p->x + start);
}

double vd_read_sum(size_t bytes, const void *block) {
  size_t n = bytes / sizeof(float), range = (size_t)1 << 20, count = (n + range - 1) / range;
  row_pass p = {.k = vd_table(), .rows = n, .range = range, .x = block,
                .y = vd_scratch(0, (count + 1) * sizeof(float))};
  vd_parallel(count, read_task, &p);
  double total = 0;
  for (size_t i = 0; i < count; i++) total += p.y[i];
  return total;
}
