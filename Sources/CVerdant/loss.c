// Head and loss in one pass over chunks of rows: the logits of a chunk live only while their
// loss and gradients are computed.
#include <string.h>

#include "kernels/table.h"

// Logits of a chunk: at most 8 MiB, so that they are still in L3 when the gradients read them.
enum { chunk_elements = 2 << 20, least_rows = 64, row_block = 16 };

typedef struct {
  const vd_kernels *k;
  size_t rows, vocabulary;
  const int32_t *targets;
  float *logits, factor;
  bool gradient;
  double *losses;
} loss_pass;

static void loss_task(void *context, size_t index) {
  loss_pass *p = context;
  size_t start = index * row_block;
  size_t rows = p->rows - start < row_block ? p->rows - start : row_block;
  p->losses[index] = p->k->cross_entropy(rows, p->vocabulary, p->targets + start,
                                         p->logits + start * p->vocabulary, p->gradient,
                                         p->factor);
}

// Rows of a chunk.
static size_t chunk_rows(size_t rows, size_t vocabulary) {
  size_t chunk = chunk_elements / vocabulary / row_block * row_block;
  if (chunk < least_rows) chunk = least_rows;
  return chunk < rows ? chunk : rows;
}

size_t vd_linear_cross_entropy_scratch(size_t rows, size_t vocabulary) {
  if (vocabulary == 0) return 0;
  return chunk_rows(rows, vocabulary) * vocabulary * sizeof(float);
}

double vd_linear_cross_entropy(size_t rows, size_t columns, size_t vocabulary, const float *x,
                               const float *w, const int32_t *targets, float *dx, float *dw) {
  size_t counted = 0;
  for (size_t r = 0; r < rows; r++) counted += targets[r] >= 0;
  if (counted == 0) {
    if (dx) vd_fill(rows * columns, 0, dx);
    if (dw) vd_fill(vocabulary * columns, 0, dw);
    return 0;
  }
  size_t chunk = chunk_rows(rows, vocabulary);
  size_t blocks = (chunk + row_block - 1) / row_block;
  loss_pass p = {.k = vd_table(), .vocabulary = vocabulary, .gradient = dx || dw,
                 .factor = 1.f / (float)counted,
                 .logits = vd_scratch(0, chunk * vocabulary * sizeof(float)),
                 .losses = vd_scratch(1, blocks * sizeof(double))};
  double total = 0;
  for (size_t start = 0; start < rows; start += chunk) {
    size_t count = rows - start < chunk ? rows - start : chunk;
    const float *part = x + start * columns;
    vd_gemm_f32(false, true, count, vocabulary, columns, 1, part, columns, w, columns, 0, p.logits,
                vocabulary);
    p.rows = count;
    p.targets = targets + start;
    blocks = (count + row_block - 1) / row_block;
    vd_parallel(blocks, loss_task, &p);
    for (size_t i = 0; i < blocks; i++) total += p.losses[i];
    if (dx)
      vd_gemm_f32(false, false, count, columns, vocabulary, 1, p.logits, vocabulary, w, columns, 0,
                  dx + start * columns, columns);
    if (dw)
      vd_gemm_f32(true, false, vocabulary, columns, count, 1, p.logits, vocabulary, part, columns,
                  start == 0 ? 0 : 1, dw, columns);
  }
  return total / (double)counted;
}
