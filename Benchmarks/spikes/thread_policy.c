// Which threads run the engine's matrix products?
//   A  our own pool of two threads; each calls oneDNN single-threaded on its tiles.
//   B  libgomp everywhere: oneDNN threads whole products, passes are `parallel for`.
// The products are timed inside one feed-forward training step, because a product alone
// finds its operands in cache and its threads awake, and a step offers neither.
//   cc -O3 -march=native -ffast-math -fopenmp thread_policy.c -o thread_policy -ldnnl -lpthread -lm
//   thread_policy A|B width f32|bf16 prim|sgemm [tokenRows tokenCols weightRows weightCols]
//   thread_policy attention width | limits
// Tile arguments are upper bounds, 0 for the whole extent: the first pair serves Y = X W^T and
// dX = dY W, the second dW += dY^T X. Without -fopenmp only policy A is built.
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <oneapi/dnnl/dnnl.h>
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
#define CHECK(call) do { dnnl_status_t s_ = (call); if (s_ != dnnl_success) { \
    fprintf(stderr, "line %d: oneDNN status %d\n", __LINE__, (int)s_); exit(1); } } while (0)
// Declared by hand so that a compiler without OpenMP headers still limits oneDNN's threads.
extern void omp_set_num_threads(int);
enum { WORKERS = 2, TOKENS = 4096, RUNS = 9, SPINS = 20000 };
static int own_pool = 1; static dnnl_engine_t engine; static dnnl_stream_t streams[WORKERS];
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + 1e-9 * t.tv_nsec; }
static int by_value(const void *a, const void *b) {
    double d = *(const double *)a - *(const double *)b; return (d > 0) - (d < 0);
}
static double median(double *v) { qsort(v, RUNS, sizeof *v, by_value); return v[RUNS / 2]; }
typedef void (*RangeFn)(void *context, int worker, long begin, long end);
static struct {
    RangeFn fn; void *context; long count;
    atomic_uint posted, finished; atomic_int parked; pthread_mutex_t lock; pthread_cond_t wake;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };
static void *pool_worker(void *unused) {
    // The setting belongs to the calling thread: limiting main does not limit this one.
    omp_set_num_threads(1);
    for (unsigned seen = 0;; seen++) {
        int spins = SPINS;
        while (atomic_load(&pool.posted) == seen && spins-- > 0) _mm_pause();
        if (atomic_load(&pool.posted) == seen) {
            pthread_mutex_lock(&pool.lock); atomic_store(&pool.parked, 1);
            while (atomic_load(&pool.posted) == seen) pthread_cond_wait(&pool.wake, &pool.lock);
            atomic_store(&pool.parked, 0); pthread_mutex_unlock(&pool.lock);
        }
        pool.fn(pool.context, 1, pool.count / 2, pool.count); atomic_store(&pool.finished, seen + 1);
    }
    return unused;
}
static void parallel(RangeFn fn, void *context, long count) {
    if (own_pool) {
        pool.fn = fn; pool.context = context; pool.count = count;
        unsigned ticket = atomic_fetch_add(&pool.posted, 1) + 1;
        if (atomic_load(&pool.parked)) {
            pthread_mutex_lock(&pool.lock); pthread_cond_signal(&pool.wake); pthread_mutex_unlock(&pool.lock);
        }
        fn(context, 0, 0, count / 2); while (atomic_load(&pool.finished) != ticket) _mm_pause();
    } else {
#pragma omp parallel for schedule(static)
        for (int w = 0; w < WORKERS; w++) fn(context, w, count * w / WORKERS, count * (w + 1) / WORKERS);
    }
}
typedef enum { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT } Layout;
typedef struct {
    Layout layout; int sgemm; dnnl_data_type_t in, out; long m, n, k, lda, ldb, ldc, tile_m, tile_n, columns;
    const char *a, *b, *implementation; char *c;
    dnnl_primitive_t primitive; dnnl_memory_t memory[WORKERS][4];
} Product;
static long bytes_of(dnnl_data_type_t t) { return t == dnnl_f32 ? 4 : 2; }
static dnnl_memory_desc_t describe(long rows, long cols, dnnl_data_type_t type, long row_stride, long col_stride) {
    dnnl_dims_t dims = { rows, cols }, strides = { row_stride, col_stride }; dnnl_memory_desc_t md;
    CHECK(DESCRIBE(&md, 2, dims, type, strides)); return md;
}
// A tile's primitive is shared by all workers. That is only safe with a user scratchpad:
// the library's own belongs to the thread that created the primitive.
static void create_primitive(Product *p) {
    int at = p->layout == WEIGHT_GRADIENT, bt = p->layout == FORWARD;
    dnnl_memory_desc_t a = describe(p->tile_m, p->k, p->in, at ? 1 : p->lda, at ? p->lda : 1);
    dnnl_memory_desc_t b = describe(p->k, p->tile_n, p->in, bt ? 1 : p->ldb, bt ? p->ldb : 1);
    dnnl_memory_desc_t c = describe(p->tile_m, p->tile_n, p->out, p->ldc, 1);
    dnnl_primitive_attr_t attr; dnnl_post_ops_t post; dnnl_primitive_desc_t pd;
    CHECK(dnnl_primitive_attr_create(&attr)); CHECK(dnnl_post_ops_create(&post));
    CHECK(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));
    if (at) CHECK(APPEND_SUM(post));
    CHECK(dnnl_primitive_attr_set_post_ops(attr, post));
#if DNNL_VERSION_MAJOR >= 3
    CHECK(dnnl_matmul_primitive_desc_create(&pd, engine, a, b, NULL, c, attr));
#else
    dnnl_matmul_desc_t md; CHECK(dnnl_matmul_desc_init(&md, &a, &b, NULL, &c));
    CHECK(dnnl_primitive_desc_create(&pd, &md, attr, engine, NULL));
#endif
    CHECK(dnnl_primitive_create(&p->primitive, pd));
    CHECK(dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &p->implementation));
    DescriptorRef scratch = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    DescriptorRef described[] = { REF(a), REF(b), REF(c), scratch };
    for (int i = 0; i < WORKERS * 4; i++)
        CHECK(dnnl_memory_create(&p->memory[i / 4][i % 4], described[i % 4], engine,
                                 i % 4 < 3 ? DNNL_MEMORY_NONE : DNNL_MEMORY_ALLOCATE));
}
// Even pieces no larger than the bound, so that one primitive serves every tile.
static long pieces(long extent, long bound) {
    long n = bound > 0 ? (extent + bound - 1) / bound : 1; while (extent % n) n++; return n;
}
static Product product(Layout layout, int sgemm, dnnl_data_type_t in, dnnl_data_type_t out, long m, long n, long k,
                       const void *a, const void *b, void *c, const long *bounds) {
    Product p = { .layout = layout, .sgemm = sgemm, .in = in, .out = out, .m = m, .n = n, .k = k,
                  .a = a, .b = b, .c = c, .lda = layout == WEIGHT_GRADIENT ? m : k,
                  .ldb = layout == FORWARD ? k : n, .ldc = n, .implementation = "dnnl_sgemm" };
    long rows = own_pool ? pieces(m, bounds[0]) : 1, cols = own_pool ? pieces(n, bounds[1]) : 1;
    if (own_pool && rows * cols % 2) rows *= 2;  // an odd grid would leave a worker idle
    p.tile_m = m / rows; p.tile_n = n / cols; p.columns = cols; if (!sgemm) create_primitive(&p);
    return p;
}
static void run_tile(Product *p, int worker, const char *a, const char *b, char *c) {
    if (p->sgemm) {
        int at = p->layout == WEIGHT_GRADIENT, bt = p->layout == FORWARD;
        CHECK(dnnl_sgemm(at ? 'T' : 'N', bt ? 'T' : 'N', p->tile_m, p->tile_n, p->k, 1, (const float *)a, p->lda,
                         (const float *)b, p->ldb, at ? 1 : 0, (float *)c, p->ldc));
        return;
    }
    dnnl_memory_t *m = p->memory[worker];
    CHECK(dnnl_memory_set_data_handle(m[0], (void *)a)); CHECK(dnnl_memory_set_data_handle(m[1], (void *)b));
    CHECK(dnnl_memory_set_data_handle(m[2], c));
    dnnl_exec_arg_t args[] = { { DNNL_ARG_SRC, m[0] }, { DNNL_ARG_WEIGHTS, m[1] },
                               { DNNL_ARG_DST, m[2] }, { DNNL_ARG_SCRATCHPAD, m[3] } };
    CHECK(dnnl_primitive_execute(p->primitive, streams[worker], 4, args));
}
static void run_tiles(void *context, int worker, long begin, long end) {
    Product *p = context;
    for (long t = begin; t < end; t++) {
        long i = t / p->columns * p->tile_m, j = t % p->columns * p->tile_n;
        run_tile(p, worker, p->a + bytes_of(p->in) * i * (p->layout == WEIGHT_GRADIENT ? 1 : p->lda),
                 p->b + bytes_of(p->in) * j * (p->layout == FORWARD ? p->ldb : 1), p->c + bytes_of(p->out) * (i * p->ldc + j));
    }
}
static void multiply(Product *p) {
    if (own_pool) parallel(run_tiles, p, p->m / p->tile_m * p->columns); else run_tile(p, 0, p->a, p->b, p->c);
}
#ifdef __clang__
#define NO_ALIAS _Pragma("clang loop vectorize(assume_safety)")
#else
#define NO_ALIAS _Pragma("GCC ivdep")
#endif
#define INLINE static inline __attribute__((always_inline))
typedef struct { int half; long width; const void *x, *y; void *out; const float *bias; float **state; } Pass;
#define FOR_BOTH_TYPES(pass) static void pass(void *context, int worker, long begin, long end) { \
    Pass *p = context; (void)worker; \
    if (p->half) pass##_rows(p, begin, end, 1); else pass##_rows(p, begin, end, 0); }
INLINE float load(const void *p, long i, int half) {
    if (!half) return ((const float *)p)[i];
    uint32_t u = (uint32_t)((const uint16_t *)p)[i] << 16; float f; memcpy(&f, &u, 4); return f;
}
INLINE void store(void *p, long i, int half, float f) {
    if (!half) { ((float *)p)[i] = f; return; }
    uint32_t u; memcpy(&u, &f, 4); ((uint16_t *)p)[i] = (u + 0x7fff + (u >> 16 & 1)) >> 16;
}
// A polynomial, because not every compiler vectorises a call to expf.
INLINE float exponential(float x) {
    float t = fminf(fmaxf(x * 1.44269504f, -126), 126), n = rintf(t), r = (t - n) * 0.69314718f, scale;
    uint32_t u = (uint32_t)((int)n + 127) << 23; memcpy(&scale, &u, 4);
    return scale * (1 + r * (1 + r * (0.5f + r * (0.16666667f + r * (0.041666667f + r * 0.0083333333f)))));
}
INLINE float gate(float x) { return 1 / (1 + exponential(-1.5957691f * (x + 0.044715f * x * x * x))); }
INLINE void gelu_loop(const Pass *p, long begin, long end, int half, int backward) {
    const void *x = p->x, *y = p->y; void *out = p->out; const float *bias = p->bias;
    for (long n = p->width, r = begin * n; r < end * n; r += n) {
        NO_ALIAS for (long i = 0; i < n; i++) {
            float u = load(x, r + i, half) + bias[i], s = gate(u), value = u * s;
            if (backward) value = load(y, r + i, half) * (s + value * (1 - s) * (1.5957691f + 0.21406613f * u * u));
            store(out, r + i, half, value);
        }
    }
}
INLINE void gelu_rows(const Pass *p, long begin, long end, int half) {
    if (p->y) gelu_loop(p, begin, end, half, 1); else gelu_loop(p, begin, end, half, 0);
}
INLINE void residual_rows(const Pass *p, long begin, long end, int half) {
    const void *x = p->x, *y = p->y; void *out = p->out;
    NO_ALIAS for (long i = begin * p->width; i < end * p->width; i++) store(out, i, half, load(x, i, half) + load(y, i, half));
}
INLINE void layer_norm_rows(const Pass *p, long begin, long end, int half) {
    const void *x = p->x; void *out = p->out;
    for (long n = p->width, r = begin * n; r < end * n; r += n) {
        float sum = 0, squares = 0; for (long i = 0; i < n; i++) sum += load(x, r + i, half);
        float mean = sum / n;
        for (long i = 0; i < n; i++) { float d = load(x, r + i, half) - mean; squares += d * d; }
        float scale = 1 / sqrtf(squares / n + 1e-5f);
        NO_ALIAS for (long i = 0; i < n; i++) store(out, r + i, half, (load(x, r + i, half) - mean) * scale);
    }
}
INLINE void adamw_rows(const Pass *p, long begin, long end, int half) {
    float *restrict w = p->state[0], *restrict g = p->state[1], *restrict m = p->state[2], *restrict v = p->state[3];
    void *out = p->out;
    NO_ALIAS for (long i = begin * p->width; i < end * p->width; i++) {
        m[i] = 0.9f * m[i] + 0.1f * g[i]; v[i] = 0.99f * v[i] + 0.01f * g[i] * g[i];
        w[i] -= 1e-5f * (m[i] / (sqrtf(v[i]) + 1e-8f) + 0.01f * w[i]); g[i] = 0;
        if (half) store(out, i, 1, w[i]);
    }
}
FOR_BOTH_TYPES(gelu) FOR_BOTH_TYPES(residual) FOR_BOTH_TYPES(layer_norm) FOR_BOTH_TYPES(adamw)
static void *buffer(long count, size_t size) {
    void *p = aligned_alloc(64, (count * size + 63) / 64 * 64);
    memset(p, 0, count * size);  // touched here so that no run pays for the page faults
    return p;
}
static void fill(void *p, long count, int half, float scale) {
    static uint32_t s = 1;
    for (long i = 0; i < count; i++) { s = s * 1664525 + 1013904223; store(p, i, half, scale * ((s >> 8) / 8388608.f - 1)); }
}
static void empty(void *c, int worker, long begin, long end) { (void)c; (void)worker; (void)begin; (void)end; }
static void step(int argc, char **argv) {
    long W = atol(argv[2]), H = 4 * W, T = TOKENS, tile[4] = { 2048, 0, 768, 0 };
    for (int i = 0; i < 4 && 5 + i < argc; i++) tile[i] = atol(argv[5 + i]);
    int half = !strcmp(argv[3], "bf16"), gemm = !strcmp(argv[4], "sgemm"); dnnl_data_type_t type = half ? dnnl_bf16 : dnnl_f32;
    void *x = buffer(T * W, 4), *y = buffer(T * W, 4), *z = buffer(T * W, 4), *dx = buffer(T * W, 4);
    void *h = buffer(T * H, 4), *a = buffer(T * H, 4), *dh = buffer(T * H, 4);
    float *state[2][4], *bias = buffer(H, 4); void *w[2]; fill(x, T * W, half, 1); fill(bias, H, 0, 0.1f);
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
    Pass up = { half, H, h, NULL, a, bias, NULL }, down = { half, H, h, dh, dh, bias, NULL },
         add = { half, W, x, y, y, NULL, NULL }, norm = { half, W, y, NULL, z, NULL, NULL },
         update0 = { half, W, 0, 0, w[0], 0, state[0] }, update1 = { half, W, 0, 0, w[1], 0, state[1] };
    // The order is the step's own: a weight gradient follows the pass that made its operand.
    struct { Product *product; RangeFn fn; Pass *pass; long rows; } sequence[] = {
        { &products[0], 0, 0, 0 }, { 0, gelu, &up, T }, { &products[1], 0, 0, 0 }, { 0, residual, &add, T },
        { 0, layer_norm, &norm, T }, { &products[4], 0, 0, 0 }, { &products[2], 0, 0, 0 }, { 0, gelu, &down, T },
        { &products[5], 0, 0, 0 }, { &products[3], 0, 0, 0 }, { 0, adamw, &update0, H }, { 0, adamw, &update1, H },
    };
    double times[6][RUNS], total[RUNS], passes[RUNS], launch[RUNS], sum = 0, flops = 2e-9 * T * W * H;
    for (int run = -2; run < RUNS; run++) {
        int r = run < 0 ? 0 : run; double start = now(); passes[r] = 0;
        for (size_t s = 0; s < sizeof sequence / sizeof *sequence; s++) {
            double t = now();
            if (sequence[s].product) multiply(sequence[s].product);
            else parallel(sequence[s].fn, sequence[s].pass, sequence[s].rows);
            if (sequence[s].product) times[sequence[s].product - products][r] = now() - t; else passes[r] += now() - t;
        }
        total[r] = now() - start; start = now();
        for (int i = 0; i < 1000; i++) parallel(empty, NULL, 2);
        launch[r] = (now() - start) / 1000;
    }
    for (long i = 0; i < W * H; i++) sum += fabs(state[0][0][i]) + fabs(state[1][0][i]);
    printf("%s %4ld %-4s %-5s %4ld %4ld %4ld %4ld |", argv[1], W, argv[3], argv[4], tile[0], tile[1], tile[2], tile[3]);
    for (int i = 0; i < 6; i += 2) {
        double p = median(times[i]), q = median(times[i + 1]);
        printf(" %s %.0f (%.0f %.0f)", i == 0 ? "Y" : i == 2 ? "dX" : "dW", 2 * flops / (p + q), flops / p, flops / q);
    }
    printf(" | passes %.1f total %.1f ms launch %.2f us sum %.3f %s %s\n", 1e3 * median(passes), 1e3 * median(total),
           1e6 * median(launch), sum, products[0].implementation, products[4].implementation);
}
static volatile float sink;
// The empty asm keeps each sum in a register and the loop from being folded.
#define LIMIT_LOOP(name, prepare, stride, body) \
    static void name(void *context, int worker, long begin, long end) { \
        __m512 s[16]; (void)context; (void)worker; prepare; \
        _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) s[i] = _mm512_set1_ps(i); \
        for (long n = begin; n < end; n += stride) \
            _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) { s[i] = body; __asm__("" : "+v"(s[i])); } \
        _Pragma("GCC unroll 16") for (int i = 1; i < 16; i++) s[0] = _mm512_add_ps(s[0], s[i]); \
        sink = _mm512_reduce_add_ps(s[0]); }
LIMIT_LOOP(fma_loop, __m512 x = _mm512_set1_ps(0.999f), 1, _mm512_fmadd_ps(s[i], x, x))
LIMIT_LOOP(read_loop, float *x = context, 256, _mm512_add_ps(s[i], _mm512_load_ps(x + n + 16 * i)))
#ifdef __AVX512BF16__
LIMIT_LOOP(dot_loop, __m512bh x = (__m512bh)_mm512_set1_ps(0.1f), 1, _mm512_dpbf16_ps(s[i], x, x))
#endif
static double rate(RangeFn fn, void *context, double unit, long count, int threads) {
    double t[RUNS];
    for (int run = -1; run < RUNS; run++) {
        double start = now(); if (threads == 2) parallel(fn, context, count); else fn(context, 0, 0, count);
        t[run < 0 ? 0 : run] = now() - start;
    }
    return 1e-9 * unit * count / median(t);
}
static void limits(void) {
    long loops = 40000000, floats = 1L << 28; void *big = buffer(floats, 4);
    for (int threads = 1; threads <= WORKERS; threads++) {
        printf("%d thread(s): f32 FMA %.0f GFLOP/s", threads, rate(fma_loop, NULL, 32 * 16, loops, threads));
#ifdef __AVX512BF16__
        printf(", bf16 dot %.0f GFLOP/s", rate(dot_loop, NULL, 64 * 16, loops, threads));
#endif
        printf(", read %.1f GB/s\n", rate(read_loop, big, 4, floats, threads));
    }
}
enum { ROWS = 64, KEYS = 512, DEPTH = 64 };
static void attention_calls(void *context, int worker, long begin, long end) {
    Product *p = context; long es = bytes_of(p->in), scores = p->layout == FORWARD, width = p->ldb;
    for (long i = begin; i < end; i++) {
        long head = i % (width / DEPTH) * DEPTH, at = head + i / (width / DEPTH) % (KEYS / ROWS) * ROWS * width;
        run_tile(p, worker, p->a + (scores ? es * at : 0), p->b + es * head, p->c + (scores ? 0 : es * at));
    }
}
static void attention(long width) {
    const char *names[] = { "Q K^T", "P V", "4x4x4" };
    char *q = buffer(KEYS * width, 4), *k = buffer(KEYS * width, 4), *out = buffer(KEYS * width, 4);
    // f32 primitive, f32 sgemm, bf16 primitive; the last product is so small that only the call remains.
    for (int way = 0; way < 3; way++) for (int kind = 0; kind < 3; kind++) {
        int half = way == 2, scores = kind == 0; dnnl_data_type_t type = half ? dnnl_bf16 : dnnl_f32;
        fill(q, KEYS * width, half, 1); fill(k, KEYS * width, half, 1);
        Product p = { .layout = scores ? FORWARD : INPUT_GRADIENT, .sgemm = way == 1, .in = type, .a = q, .b = k,
                      .c = out, .out = scores ? dnnl_f32 : type, .tile_m = ROWS, .tile_n = scores ? KEYS : DEPTH,
                      .k = scores ? DEPTH : KEYS, .lda = scores ? width : KEYS, .ldb = width,
                      .ldc = scores ? KEYS : width, .implementation = "dnnl_sgemm" };
        if (kind == 2) p.tile_m = p.tile_n = p.k = 4;
        if (!p.sgemm) create_primitive(&p);
        double flops = 2. * p.tile_m * p.tile_n * p.k, speed = rate(attention_calls, &p, flops, 2000, 1);
        printf("%-4s %-5s %7.2f us %6.1f GFLOP/s %s\n", half ? "bf16" : "f32", names[kind], 1e-3 * flops / speed,
               speed, p.implementation);
    }
}

int main(int argc, char **argv) {
    own_pool = argc < 2 || strcmp(argv[1], "B");
#ifndef _OPENMP
    if (!own_pool) { fprintf(stderr, "policy B needs -fopenmp\n"); return 2; }
#endif
    // Before any primitive exists: it keeps the thread count it was created under.
    omp_set_num_threads(own_pool ? 1 : WORKERS);
    CHECK(dnnl_engine_create(&engine, dnnl_cpu, 0));
    for (int w = 0; w < WORKERS; w++) CHECK(dnnl_stream_create(&streams[w], engine, dnnl_stream_default_flags));
    pthread_t thread; if (own_pool && pthread_create(&thread, NULL, pool_worker, NULL)) return 1;
    if (argc >= 5) step(argc, argv);
    else if (argc == 3 && !strcmp(argv[1], "attention")) attention(atol(argv[2]));
    else if (argc == 2 && !strcmp(argv[1], "limits")) limits();
    else { fprintf(stderr, "usage: thread_policy A|B width type gemm [tiles] | attention width | limits\n"); return 2; }
}
