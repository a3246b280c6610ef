// The small products of attention, on one thread.
#ifndef ATTENTION_H
#define ATTENTION_H

#include "limits.h"
#include "product.h"

enum { ROWS = 64, KEYS = 512, DEPTH = 64 };

static void attention_calls(void *context, int worker, long begin, long end) {
  Product *p = context;
  long es = bytes_of(p->in), scores = p->layout == FORWARD, width = p->ldb;
  for (long i = begin; i < end; i++) {
    long head = i % (width / DEPTH) * DEPTH,
         at = head + i / (width / DEPTH) % (KEYS / ROWS) * ROWS * width;
    run_tile(p, worker, p->a + (scores ? es * at : 0), p->b + es * head,
             p->c + (scores ? 0 : es * at));
  }
}

static void attention(long width) {
  const char *names[] = {"Q K^T", "P V", "4x4x4"};
  char *q = buffer(KEYS * width, 4), *k = buffer(KEYS * width, 4), *out = buffer(KEYS * width, 4);
  // Ways: f32 primitive, f32 sgemm, bf16 primitive. The last product is so small that only the
  // call remains.
  for (int way = 0; way < 3; way++)
    for (int kind = 0; kind < 3; kind++) {
      int half = way == 2, scores = kind == 0;
      dnnl_data_type_t type = half ? dnnl_bf16 : dnnl_f32;
      fill(q, KEYS * width, half, 1);
      fill(k, KEYS * width, half, 1);
      Product p = {.layout = scores ? FORWARD : INPUT_GRADIENT,
                   .sgemm = way == 1,
                   .in = type,
                   .a = q,
                   .b = k,
                   .c = out,
                   .out = scores ? dnnl_f32 : type,
                   .tile_m = ROWS,
                   .tile_n = scores ? KEYS : DEPTH,
                   .k = scores ? DEPTH : KEYS,
                   .lda = scores ? width : KEYS,
                   .ldb = width,
                   .ldc = scores ? KEYS : width,
                   .implementation = "dnnl_sgemm"};
      if (kind == 2) p.tile_m = p.tile_n = p.k = 4;
      if (!p.sgemm) create_primitive(&p);
      double flops = 2. * p.tile_m * p.tile_n * p.k,
             speed = rate(attention_calls, &p, flops, 2000, 1);
      printf("%-4s %-5s %7.2f us %6.1f GFLOP/s %s\n", half ? "bf16" : "f32", names[kind],
             1e-3 * flops / speed, speed, p.implementation);
    }
}

#endif
