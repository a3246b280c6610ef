// Which threads run the engine's matrix products?
//   A  our own pool of two threads; each calls oneDNN single-threaded on its tiles.
//   B  libgomp everywhere: oneDNN threads whole products, passes are `parallel for`.
// The products are timed inside one feed-forward training step, because a product alone
// finds its operands in cache and its threads awake, and a step offers neither.
// Without -fopenmp only policy A is built. See ../README.md for how to run it.
#include "thread_policy/attention.h"

enum { TOKENS = 4096 };

static void step(int argc, char **argv) {
  long W = atol(argv[2]), H = 4 * W, T = TOKENS, tile[4] = {2048, 0, 768, 0};
  for (int i = 0; i < 4 && 5 + i < argc; i++) tile[i] = atol(argv[5 + i]);
  int half = !strcmp(argv[3], "bf16"), gemm = !strcmp(argv[4], "sgemm");
  dnnl_data_type_t type = half ? dnnl_bf16 : dnnl_f32;
  void *x = buffer(T * W, 4), *y = buffer(T * W, 4), *z = buffer(T * W, 4), *dx = buffer(T * W, 4);
  void *h = buffer(T * H, 4), *a = buffer(T * H, 4), *dh = buffer(T * H, 4);
  float *state[2][4], *bias = buffer(H, 4);
  void *w[2];
  fill(x, T * W, half, 1);
  fill(bias, H, 0, 0.1f);
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 4; j++) state[i][j] = buffer(W * H, 4);
    fill(state[i][0], W * H, 0, 0.05f);
    w[i] = half ? buffer(W * H, 2) : (void *)state[i][0];
    for (long j = 0; half && j < W * H; j++) store(w[i], j, 1, state[i][0][j]);
  }
  Product products[] = {
      product(FORWARD, gemm, type, type, T, H, W, x, w[0], h, tile),
      product(FORWARD, gemm, type, type, T, W, H, a, w[1], y, tile),
      product(INPUT_GRADIENT, gemm, type, type, T, H, W, z, w[1], dh, tile),
      product(INPUT_GRADIENT, gemm, type, type, T, W, H, dh, w[0], dx, tile),
      product(WEIGHT_GRADIENT, gemm, type, dnnl_f32, W, H, T, z, a, state[1][1], tile + 2),
      product(WEIGHT_GRADIENT, gemm, type, dnnl_f32, H, W, T, dh, x, state[0][1], tile + 2),
  };
  Pass up = {half, H, h, NULL, a, bias, NULL}, down = {half, H, h, dh, dh, bias, NULL},
       add = {half, W, x, y, y, NULL, NULL}, norm = {half, W, y, NULL, z, NULL, NULL},
       update0 = {half, W, 0, 0, w[0], 0, state[0]}, update1 = {half, W, 0, 0, w[1], 0, state[1]};
  // The order is the step's own: a weight gradient follows the pass that made its operand.
  struct {
    Product *product;
    RangeFn fn;
    Pass *pass;
    long rows;
  } sequence[] = {
      {&products[0], 0, 0, 0}, {0, gelu, &up, T},         {&products[1], 0, 0, 0},
      {0, residual, &add, T},  {0, layer_norm, &norm, T}, {&products[4], 0, 0, 0},
      {&products[2], 0, 0, 0}, {0, gelu, &down, T},       {&products[5], 0, 0, 0},
      {&products[3], 0, 0, 0}, {0, adamw, &update0, H},   {0, adamw, &update1, H},
  };
  double times[6][RUNS], total[RUNS], passes[RUNS], launch[RUNS], sum = 0, flops = 2e-9 * T * W * H;
  for (int run = -2; run < RUNS; run++) {
    int r = run < 0 ? 0 : run;
    double start = now();
    passes[r] = 0;
    for (size_t s = 0; s < sizeof sequence / sizeof *sequence; s++) {
      double t = now();
      if (sequence[s].product)
        multiply(sequence[s].product);
      else
        parallel(sequence[s].fn, sequence[s].pass, sequence[s].rows);
      if (sequence[s].product)
        times[sequence[s].product - products][r] = now() - t;
      else
        passes[r] += now() - t;
    }
    total[r] = now() - start;
    start = now();
    for (int i = 0; i < 1000; i++) parallel(empty, NULL, 2);
    launch[r] = (now() - start) / 1000;
  }
  for (long i = 0; i < W * H; i++) sum += fabs(state[0][0][i]) + fabs(state[1][0][i]);
  printf("%s %4ld %-4s %-5s %4ld %4ld %4ld %4ld |", argv[1], W, argv[3], argv[4], tile[0], tile[1],
         tile[2], tile[3]);
  const char *names[] = {"Y", "dX", "dW"};
  for (int i = 0; i < 6; i += 2) {
    double p = median(times[i]), q = median(times[i + 1]);
    printf(" %s %.0f (%.0f %.0f)", names[i / 2], 2 * flops / (p + q), flops / p, flops / q);
  }
  printf(" | passes %.1f total %.1f ms launch %.2f us sum %.3f %s %s\n", 1e3 * median(passes),
         1e3 * median(total), 1e6 * median(launch), sum, products[0].implementation,
         products[4].implementation);
}

int main(int argc, char **argv) {
  own_pool = argc < 2 || strcmp(argv[1], "B");
#ifndef _OPENMP
  if (!own_pool) {
    fprintf(stderr, "policy B needs -fopenmp\n");
    return 2;
  }
#endif
  // Before any primitive exists: it keeps the thread count it was created under.
  set_openmp_threads(own_pool ? 1 : WORKERS);
  CHECK(dnnl_engine_create(&engine, dnnl_cpu, 0));
  for (int w = 0; w < WORKERS; w++)
    CHECK(dnnl_stream_create(&streams[w], engine, dnnl_stream_default_flags));
  pthread_t thread;
  if (own_pool && pthread_create(&thread, NULL, pool_worker, NULL)) return 1;
  if (argc >= 5)
    step(argc, argv);
  else if (argc == 3 && !strcmp(argv[1], "attention"))
    attention(atol(argv[2]));
  else if (argc == 2 && !strcmp(argv[1], "limits"))
    limits();
  else {
    fprintf(stderr,
            "usage: thread_policy A|B width type gemm [tiles] | attention width | limits\n");
    return 2;
  }
}
