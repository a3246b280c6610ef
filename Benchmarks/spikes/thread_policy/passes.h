// The elementwise and row-wise passes of a training step, in f32 or bf16.
#ifndef PASSES_H
#define PASSES_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#include "pool.h"

#ifdef __clang__
#define NO_ALIAS _Pragma("clang loop vectorize(assume_safety)")
#else
#define NO_ALIAS _Pragma("GCC ivdep")
#endif
#define INLINE static inline __attribute__((always_inline))

// Operands of a pass; `half` means bf16 tensors.
typedef struct {
  int half;
  long width;
  const void *x, *y;
  void *out;
  const float *bias;
  float **state;
} Pass;

#define FOR_BOTH_TYPES(pass)                                          \
  static void pass(void *context, int worker, long begin, long end) { \
    Pass *p = context;                                                \
    (void)worker;                                                     \
    if (p->half)                                                      \
      pass##_rows(p, begin, end, 1);                                  \
    else                                                              \
      pass##_rows(p, begin, end, 0);                                  \
  }

INLINE float load(const void *p, long i, int half) {
  if (!half) return ((const float *)p)[i];
  uint32_t u = (uint32_t)((const uint16_t *)p)[i] << 16;
  float f;
  memcpy(&f, &u, 4);
  return f;
}

INLINE void store(void *p, long i, int half, float f) {
  if (!half) {
    ((float *)p)[i] = f;
    return;
  }
  uint32_t u;
  memcpy(&u, &f, 4);
  ((uint16_t *)p)[i] = (u + 0x7fff + (u >> 16 & 1)) >> 16;
}

// A polynomial, because not every compiler vectorises a call to expf.
INLINE float exponential(float x) {
  float t = fminf(fmaxf(x * 1.44269504f, -126), 126), n = rintf(t), r = (t - n) * 0.69314718f;
  uint32_t u = (uint32_t)((int)n + 127) << 23;
  float scale;
  memcpy(&scale, &u, 4);
  return scale *
         (1 + r * (1 + r * (0.5f + r * (0.16666667f + r * (0.041666667f + r * 0.0083333333f)))));
}

INLINE float gate(float x) {
  return 1 / (1 + exponential(-1.5957691f * (x + 0.044715f * x * x * x)));
}

INLINE void gelu_loop(const Pass *p, long begin, long end, int half, int backward) {
  const void *x = p->x, *y = p->y;
  void *out = p->out;
  const float *bias = p->bias;
  for (long n = p->width, r = begin * n; r < end * n; r += n) {
    NO_ALIAS for (long i = 0; i < n; i++) {
      float u = load(x, r + i, half) + bias[i], s = gate(u), value = u * s;
      if (backward)
        value = load(y, r + i, half) * (s + value * (1 - s) * (1.5957691f + 0.21406613f * u * u));
      store(out, r + i, half, value);
    }
  }
}

INLINE void gelu_rows(const Pass *p, long begin, long end, int half) {
  if (p->y)
    gelu_loop(p, begin, end, half, 1);
  else
    gelu_loop(p, begin, end, half, 0);
}

INLINE void residual_rows(const Pass *p, long begin, long end, int half) {
  const void *x = p->x, *y = p->y;
  void *out = p->out;
  NO_ALIAS for (long i = begin * p->width; i < end * p->width; i++)
      store(out, i, half, load(x, i, half) + load(y, i, half));
}

INLINE void layer_norm_rows(const Pass *p, long begin, long end, int half) {
  const void *x = p->x;
  void *out = p->out;
  for (long n = p->width, r = begin * n; r < end * n; r += n) {
    float sum = 0, squares = 0;
    for (long i = 0; i < n; i++) sum += load(x, r + i, half);
    float mean = sum / n;
    for (long i = 0; i < n; i++) {
      float d = load(x, r + i, half) - mean;
      squares += d * d;
    }
    float scale = 1 / sqrtf(squares / n + 1e-5f);
    NO_ALIAS for (long i = 0; i < n; i++)
        store(out, r + i, half, (load(x, r + i, half) - mean) * scale);
  }
}

INLINE void adamw_rows(const Pass *p, long begin, long end, int half) {
  float *restrict w = p->state[0], *restrict g = p->state[1];
  float *restrict m = p->state[2], *restrict v = p->state[3];
  void *out = p->out;
  NO_ALIAS for (long i = begin * p->width; i < end * p->width; i++) {
    m[i] = 0.9f * m[i] + 0.1f * g[i];
    v[i] = 0.99f * v[i] + 0.01f * g[i] * g[i];
    w[i] -= 1e-5f * (m[i] / (sqrtf(v[i]) + 1e-8f) + 0.01f * w[i]);
    g[i] = 0;
    if (half) store(out, i, 1, w[i]);
  }
}

FOR_BOTH_TYPES(gelu)
FOR_BOTH_TYPES(residual)
FOR_BOTH_TYPES(layer_norm)
FOR_BOTH_TYPES(adamw)

static void *buffer(long count, size_t size) {
  void *p = aligned_alloc(64, (count * size + 63) / 64 * 64);
  memset(p, 0, count * size);  // touched here so that no run pays for the page faults
  return p;
}

static void fill(void *p, long count, int half, float scale) {
  static uint32_t s = 1;
  for (long i = 0; i < count; i++) {
    s = s * 1664525 + 1013904223;
    store(p, i, half, scale * ((s >> 8) / 8388608.f - 1));
  }
}

static void empty(void *c, int worker, long begin, long end) {
  (void)c;
  (void)worker;
  (void)begin;
  (void)end;
}

#endif
