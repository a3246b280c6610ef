// Head and loss in one pass over chunks of rows: the logits of a chunk live only while their
// loss and gradients are computed.
#include <string.h>

#include "kernels/table.h"

// Logits of a chunk: at most 64 MiB. Each chunk reads the head's weights three times, so that
// with 50 000 words a smaller one would spend its time on that.
enum { chunk_elements = 16 << 20, least_rows = 64, row_block = 16 };

typedef struct {
  const vd_kernels *k;
  size_t rows, vocabulary;
  const int32_t *targets;
  float *logits, factor, smoothing;
  uint16_t *narrow;
  bool gradient;
  double *losses;
} loss_pass;

static void loss_task(void *context, size_t index) {
  loss_pass *p = context;
  size_t start = index * row_block;
  size_t rows = p->rows - start < row_block ? p->rows - start : row_block;
  p->losses[index] = p->k->cross_entropy(
      rows, p->vocabulary, p->targets + start, p->smoothing, p->logits + start * p->vocabulary,
      p->gradient, p->factor, p->narrow ? p->narrow + start * p->vocabulary : NULL);
}

static size_t chunk_rows(size_t rows, size_t vocabulary) {
  size_t chunk = chunk_elements / vocabulary / row_block * row_block;
  if (chunk < least_rows) chunk = least_rows;
  return chunk > rows ? rows : chunk;
}

size_t vd_linear_cross_entropy_scratch(size_t rows, size_t vocabulary, vd_type type) {
  if (vocabulary == 0) return 0;
  return chunk_rows(rows, vocabulary) * vocabulary * (type == VD_BF16 ? 6 : 4);
}

double vd_linear_cross_entropy(size_t rows, size_t columns, size_t vocabulary, vd_type type,
                               const void *x, const void *w, const int32_t *targets,
                               float smoothing, void *dx, float *dw) {
  size_t counted = 0, size = type == VD_BF16 ? 2 : 4;
  for (size_t r = 0; r < rows; r++) counted += targets[r] >= 0;
  if (counted == 0) {
    if (dx) memset(dx, 0, rows * columns * size);
    if (dw) vd_fill(vocabulary * columns, 0, dw);
    return 0;
  }
  size_t chunk = chunk_rows(rows, vocabulary);
  size_t blocks = (chunk + row_block - 1) / row_block;
  loss_pass p = {.k = vd_table(), .vocabulary = vocabulary, .gradient = dx || dw,
                 .factor = 1.f / (float)counted, .smoothing = smoothing,
                 .logits = vd_scratch(0, vd_linear_cross_entropy_scratch(rows, vocabulary, type)),
                 .losses = vd_scratch(1, blocks * sizeof(double))};
  bool narrow = type == VD_BF16;
  if (narrow && p.gradient) p.narrow = (uint16_t *)(p.logits + chunk * vocabulary);
  double total = 0;
  for (size_t start = 0; start < rows; start += chunk) {
    size_t count = rows - start < chunk ? rows - start : chunk;
    const void *part = (const char *)x + start * columns * size;
    void *to = dx ? (char *)dx + start * columns * size : NULL;
    if (narrow)
      vd_gemm_bf16(false, true, count, vocabulary, columns, part, columns, w, columns, false,
                   VD_F32, p.logits, vocabulary);
    else
      vd_gemm_f32(false, true, count, vocabulary, columns, 1, part, columns, w, columns, 0,
                  p.logits, vocabulary);
    p.rows = count;
    p.targets = targets + start;
    blocks = (count + row_block - 1) / row_block;
    vd_parallel(blocks, loss_task, &p);
    for (size_t i = 0; i < blocks; i++) total += p.losses[i];
    if (narrow) {
      if (dx)
        vd_gemm_bf16(false, false, count, columns, vocabulary, p.narrow, vocabulary, w, columns,
                     false, VD_BF16, to, columns);
      if (dw)
        vd_gemm_bf16(true, false, vocabulary, columns, count, p.narrow, vocabulary, part, columns,
                     start > 0, VD_F32, dw, columns);
      continue;
    }
    if (dx)
      vd_gemm_f32(false, false, count, columns, vocabulary, 1, p.logits, vocabulary, w, columns, 0,
                  to, columns);
    if (dw)
      vd_gemm_f32(true, false, vocabulary, columns, count, 1, p.logits, vocabulary, part, columns,
                  start == 0 ? 0 : 1, dw, columns);
  }
  return total / (double)counted;
}
