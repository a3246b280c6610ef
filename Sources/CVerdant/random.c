#include <math.h>

#include "kernels/table.h"

void vd_philox(uint64_t key, uint64_t counter, uint32_t *words) {
  uint32_t c[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), 0, 0};
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
    c[0] = n0;
    c[1] = (uint32_t)p1;
    c[2] = n2;
    c[3] = (uint32_t)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int i = 0; i < 4; i++) words[i] = c[i];
}

typedef struct {
  uint64_t key;
  size_t n;
  float a, b;
  const float *x;
  float *y;
} draw;

enum { block = 8192 };

static double unit(uint32_t word) { return ((double)word + 0.5) * (1.0 / 4294967296.0); }

static void uniform_task(void *context, size_t index) {
  draw *d = context;
  size_t end = (index + 1) * block < d->n ? (index + 1) * block : d->n;
  for (size_t i = index * block; i < end; i += 4) {
    uint32_t words[4];
    vd_philox(d->key, i / 4, words);
    for (size_t j = 0; j < 4 && i + j < end; j++) {
      float value = (float)(d->a + ((double)d->b - d->a) * unit(words[j]));
      // Rounding to f32 may reach the open end.
      d->y[i + j] = value < d->b ? value : nextafterf(d->b, d->a);
    }
  }
}

void vd_random_uniform(uint64_t key, size_t n, float low, float high, float *y) {
  draw d = {.key = key, .n = n, .a = low, .b = high, .y = y};
  vd_parallel((n + block - 1) / block, uniform_task, &d);
}

static void normal_task(void *context, size_t index) {
  draw *d = context;
  size_t end = (index + 1) * block < d->n ? (index + 1) * block : d->n;
  for (size_t i = index * block; i < end; i += 4) {
    uint32_t words[4];
    vd_philox(d->key, i / 4, words);
    for (size_t j = 0; j < 4 && i + j < end; j++) {
      size_t pair = j & ~(size_t)1;
      double radius = sqrt(-2.0 * log(unit(words[pair])));
      double angle = 6.283185307179586 * unit(words[pair + 1]);
      double z = radius * (j == pair ? cos(angle) : sin(angle));
      d->y[i + j] = (float)(d->a + d->b * z);
    }
  }
}

void vd_random_normal(uint64_t key, size_t n, float mean, float deviation, float *y) {
  draw d = {.key = key, .n = n, .a = mean, .b = deviation, .y = y};
  vd_parallel((n + block - 1) / block, normal_task, &d);
}

static void dropout_task(void *context, size_t index) {
  draw *d = context;
  size_t start = index * block, n = d->n - start < block ? d->n - start : block;
  // Four elements a counter.
  vd_table()->dropout(d->key, start / 4, d->a, n, d->x + start, d->y + start);
}

void vd_dropout(uint64_t key, float rate, size_t n, const float *x, float *y) {
  draw d = {.key = key, .n = n, .a = rate, .x = x, .y = y};
  vd_parallel((n + block - 1) / block, dropout_task, &d);
}
