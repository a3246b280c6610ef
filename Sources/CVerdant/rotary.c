// Rotary positions over a batch: a task turns one block of positions of one sequence.
#include <math.h>

#include "kernels/table.h"

// Blocks begin at multiples of this position, whatever the first one is, so that a token gets the
// same bits alone as within its sequence.
enum { position_block = 64 };

typedef struct {
  const vd_kernels *k;
  const vd_rotary_shape *s;
  size_t half, first_block, blocks;
  const double *frequency, *turn_cosine, *turn_sine;
  const void *x;
  void *y;
} rotary_pass;

static void *token(const vd_rotary_shape *s, const void *x, size_t at) {
  return (char *)(uintptr_t)x + at * (s->type == VD_BF16 ? 2 : 4);
}

static void rotary_task(void *context, size_t index) {
  const rotary_pass *p = context;
  const vd_rotary_shape *s = p->s;
  size_t b = index / p->blocks, half = p->half, width = 2 * half * s->heads;
  size_t base = (p->first_block + index % p->blocks) * position_block;
  size_t start = base > s->start ? base : s->start, end = base + position_block;
  if (end > s->start + s->length) end = s->start + s->length;
  size_t count = end - base;
  double *cosine = vd_scratch(0, 2 * half * sizeof(double) + 2 * count * half * sizeof(float));
  double *sine = cosine + half;
  float *cosines = (float *)(sine + half), *sines = cosines + count * half;
  for (size_t i = 0; i < half; i++) {
    cosine[i] = cos((double)base * p->frequency[i]);
    sine[i] = sin((double)base * p->frequency[i]);
  }
  p->k->rotary_table(count, half, p->turn_cosine, p->turn_sine, cosine, sine, cosines, sines);
  for (size_t t = start; t < end; t++) {
    size_t at = (b * s->length + t - s->start) * width, row = (t - base) * half;
    p->k->rotate(s->type, s->heads, half, s->backward ? -1.f : 1.f, cosines + row, sines + row,
                 token(s, p->x, at), token(s, p->y, at));
  }
}

void vd_rotary(const vd_rotary_shape *shape, const void *x, void *y) {
  size_t half = shape->head_width / 2;
  if (shape->length == 0 || half == 0) return;
  double *frequency = vd_scratch(1, 3 * half * sizeof(double));
  double *cosine = frequency + half, *sine = cosine + half;
  for (size_t i = 0; i < half; i++) {
    frequency[i] = shape->frequencies ? shape->frequencies[i]
                                      : pow(shape->base, -(double)i / (double)half);
    cosine[i] = cos(frequency[i]);
    sine[i] = sin(frequency[i]);
  }
  size_t first = shape->start / position_block;
  size_t last = (shape->start + shape->length - 1) / position_block;
  rotary_pass p = {.k = vd_table(), .s = shape, .half = half, .first_block = first,
                   .blocks = last - first + 1, .frequency = frequency, .turn_cosine = cosine,
                   .turn_sine = sine, .x = x, .y = y};
  vd_parallel(shape->batch * p.blocks, rotary_task, &p);
}
