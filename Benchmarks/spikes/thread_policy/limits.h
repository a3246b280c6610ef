// What this machine can do at most: multiply-adds and reading.
#ifndef LIMITS_H
#define LIMITS_H

#include <stdio.h>
#include "passes.h"

static volatile float sink;

// The empty asm keeps each sum in a register and the loop from being folded.
#ifdef __AVX512F__
#define LIMIT_LOOP(name, prepare, stride, body)                                             \
  static void name(void *context, int worker, long begin, long end) {                       \
    __m512 s[16];                                                                           \
    (void)context;                                                                          \
    (void)worker;                                                                           \
    prepare;                                                                                \
    _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) s[i] = _mm512_set1_ps(i);         \
    for (long n = begin; n < end; n += stride)                                              \
      _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) {                               \
        s[i] = body;                                                                        \
        __asm__("" : "+v"(s[i]));                                                           \
      }                                                                                     \
    _Pragma("GCC unroll 16") for (int i = 1; i < 16; i++) s[0] = _mm512_add_ps(s[0], s[i]); \
    sink = _mm512_reduce_add_ps(s[0]);                                                      \
  }

LIMIT_LOOP(fma_loop, __m512 x = _mm512_set1_ps(0.999f), 1, _mm512_fmadd_ps(s[i], x, x))
LIMIT_LOOP(read_loop, float *x = context, 256, _mm512_add_ps(s[i], _mm512_load_ps(x + n + 16 * i)))
#ifdef __AVX512BF16__
LIMIT_LOOP(dot_loop, __m512bh x = (__m512bh)_mm512_set1_ps(0.1f), 1, _mm512_dpbf16_ps(s[i], x, x))
#endif
#endif

static double rate(RangeFn fn, void *context, double unit, long count, int threads) {
  double t[RUNS];
  for (int run = -1; run < RUNS; run++) {
    double start = now();
    if (threads == 2)
      parallel(fn, context, count);
    else
      fn(context, 0, 0, count);
    t[run < 0 ? 0 : run] = now() - start;
  }
  return 1e-9 * unit * count / median(t);
}

static void limits(void) {
#ifdef __AVX512F__
  long loops = 40000000, floats = 1L << 28;
  void *big = buffer(floats, 4);
  for (int threads = 1; threads <= WORKERS; threads++) {
    printf("%d thread(s): f32 FMA %.0f GFLOP/s", threads,
           rate(fma_loop, NULL, 32 * 16, loops, threads));
#ifdef __AVX512BF16__
    printf(", bf16 dot %.0f GFLOP/s", rate(dot_loop, NULL, 64 * 16, loops, threads));
#endif
    printf(", read %.1f GB/s\n", rate(read_loop, big, 4, floats, threads));
  }
#else
  printf("measured with AVX-512 only\n");
#endif
}

#endif
