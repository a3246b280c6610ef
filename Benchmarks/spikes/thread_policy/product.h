// Matrix products of the three layouts of training, in tiles, by oneDNN 2 or 3.
#ifndef PRODUCT_H
#define PRODUCT_H

#include <stdio.h>
#include <oneapi/dnnl/dnnl.h>
#include "pool.h"

#if DNNL_VERSION_MAJOR >= 3
#define REF(md) (md)
#define APPEND_SUM(post) dnnl_post_ops_append_sum(post, 1, 0, dnnl_data_type_undef)
#define DESCRIBE dnnl_memory_desc_create_with_strides
typedef const_dnnl_memory_desc_t DescriptorRef;
#else
#define REF(md) (&(md))
#define APPEND_SUM(post) dnnl_post_ops_append_sum(post, 1)
#define DESCRIBE dnnl_memory_desc_init_by_strides
typedef const dnnl_memory_desc_t *DescriptorRef;
#endif
#define CHECK(call)                                                      \
  do {                                                                   \
    dnnl_status_t s_ = (call);                                           \
    if (s_ != dnnl_success) {                                            \
      fprintf(stderr, "line %d: oneDNN status %d\n", __LINE__, (int)s_); \
      exit(1);                                                           \
    }                                                                    \
  } while (0)

static dnnl_engine_t engine;
static dnnl_stream_t streams[WORKERS];

typedef enum { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT } Layout;

// C = A B by one layout, cut into equal tiles.
typedef struct {
  Layout layout;
  int sgemm;
  dnnl_data_type_t in, out;
  long m, n, k, lda, ldb, ldc, tile_m, tile_n, columns;
  const char *a, *b, *implementation;
  char *c;
  dnnl_primitive_t primitive;
  dnnl_memory_t memory[WORKERS][4];
} Product;

static long bytes_of(dnnl_data_type_t t) { return t == dnnl_f32 ? 4 : 2; }
static dnnl_memory_desc_t describe(long rows, long cols, dnnl_data_type_t type, long row_stride,
                                   long col_stride) {
  dnnl_dims_t dims = {rows, cols}, strides = {row_stride, col_stride};
  dnnl_memory_desc_t md;
  CHECK(DESCRIBE(&md, 2, dims, type, strides));
  return md;
}

// A tile's primitive is shared by all workers. That is only safe with a user scratchpad:
// the library's own belongs to the thread that created the primitive.
static void create_primitive(Product *p) {
  int at = p->layout == WEIGHT_GRADIENT, bt = p->layout == FORWARD;
  dnnl_memory_desc_t a = describe(p->tile_m, p->k, p->in, at ? 1 : p->lda, at ? p->lda : 1);
  dnnl_memory_desc_t b = describe(p->k, p->tile_n, p->in, bt ? 1 : p->ldb, bt ? p->ldb : 1);
  dnnl_memory_desc_t c = describe(p->tile_m, p->tile_n, p->out, p->ldc, 1);
  dnnl_primitive_attr_t attr;
  dnnl_post_ops_t post;
  dnnl_primitive_desc_t pd;
  CHECK(dnnl_primitive_attr_create(&attr));
  CHECK(dnnl_post_ops_create(&post));
  CHECK(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));
  if (at) CHECK(APPEND_SUM(post));
  CHECK(dnnl_primitive_attr_set_post_ops(attr, post));
#if DNNL_VERSION_MAJOR >= 3
  CHECK(dnnl_matmul_primitive_desc_create(&pd, engine, a, b, NULL, c, attr));
#else
  dnnl_matmul_desc_t md;
  CHECK(dnnl_matmul_desc_init(&md, &a, &b, NULL, &c));
  CHECK(dnnl_primitive_desc_create(&pd, &md, attr, engine, NULL));
#endif
  CHECK(dnnl_primitive_create(&p->primitive, pd));
  CHECK(dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &p->implementation));
  DescriptorRef scratch = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
  DescriptorRef described[] = {REF(a), REF(b), REF(c), scratch};
  for (int i = 0; i < WORKERS * 4; i++)
    CHECK(dnnl_memory_create(&p->memory[i / 4][i % 4], described[i % 4], engine,
                             i % 4 < 3 ? DNNL_MEMORY_NONE : DNNL_MEMORY_ALLOCATE));
}

// Even pieces no larger than the bound, so that one primitive serves every tile.
static long pieces(long extent, long bound) {
  long n = bound > 0 ? (extent + bound - 1) / bound : 1;
  while (extent % n) n++;
  return n;
}

static Product product(Layout layout, int sgemm, dnnl_data_type_t in, dnnl_data_type_t out, long m,
                       long n, long k, const void *a, const void *b, void *c, const long *bounds) {
  Product p = {.layout = layout, .sgemm = sgemm, .in = in, .out = out,
               .m = m, .n = n, .k = k, .a = a, .b = b, .c = c,
               .lda = layout == WEIGHT_GRADIENT ? m : k,
               .ldb = layout == FORWARD ? k : n,
               .ldc = n,
               .implementation = "dnnl_sgemm"};
  long rows = own_pool ? pieces(m, bounds[0]) : 1, cols = own_pool ? pieces(n, bounds[1]) : 1;
  if (own_pool && rows * cols % 2) rows *= 2;  // an odd grid would leave a worker idle
  p.tile_m = m / rows;
  p.tile_n = n / cols;
  p.columns = cols;
  if (!sgemm) create_primitive(&p);
  return p;
}

static void run_tile(Product *p, int worker, const char *a, const char *b, char *c) {
  if (p->sgemm) {
    int at = p->layout == WEIGHT_GRADIENT, bt = p->layout == FORWARD;
    CHECK(dnnl_sgemm(at ? 'T' : 'N', bt ? 'T' : 'N', p->tile_m, p->tile_n, p->k, 1,
                     (const float *)a, p->lda, (const float *)b, p->ldb, at ? 1 : 0, (float *)c,
                     p->ldc));
    return;
  }
  dnnl_memory_t *m = p->memory[worker];
  CHECK(dnnl_memory_set_data_handle(m[0], (void *)a));
  CHECK(dnnl_memory_set_data_handle(m[1], (void *)b));
  CHECK(dnnl_memory_set_data_handle(m[2], c));
  dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, m[0]},
                            {DNNL_ARG_WEIGHTS, m[1]},
                            {DNNL_ARG_DST, m[2]},
                            {DNNL_ARG_SCRATCHPAD, m[3]}};
  CHECK(dnnl_primitive_execute(p->primitive, streams[worker], 4, args));
}

static void run_tiles(void *context, int worker, long begin, long end) {
  Product *p = context;
  for (long t = begin; t < end; t++) {
    long i = t / p->columns * p->tile_m, j = t % p->columns * p->tile_n;
    run_tile(p, worker, p->a + bytes_of(p->in) * i * (p->layout == WEIGHT_GRADIENT ? 1 : p->lda),
             p->b + bytes_of(p->in) * j * (p->layout == FORWARD ? p->ldb : 1),
             p->c + bytes_of(p->out) * (i * p->ldc + j));
  }
}

static void multiply(Product *p) {
  if (own_pool)
    parallel(run_tiles, p, p->m / p->tile_m * p->columns);
  else
    run_tile(p, 0, p->a, p->b, p->c);
}

#endif
