// Two threads, either our own pool or libgomp, and the clock.
#ifndef POOL_H
#define POOL_H

#define _GNU_SOURCE
#include <dlfcn.h>
#include <immintrin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { WORKERS = 2, RUNS = 9, SPINS = 20000 };
// True for policy A.
static int own_pool = 1;

// Looked up at run time, so that a compiler without OpenMP can still limit oneDNN's threads.
static void set_openmp_threads(int count) {
  void (*set)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (set) set(count);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
  double d = *(const double *)a - *(const double *)b;
  return (d > 0) - (d < 0);
}

static double median(double *v) {
  qsort(v, RUNS, sizeof *v, by_value);
  return v[RUNS / 2];
}

typedef void (*RangeFn)(void *context, int worker, long begin, long end);

static struct {
  RangeFn fn;
  void *context;
  long count;
  atomic_uint posted, finished;
  atomic_int parked;
  pthread_mutex_t lock;
  pthread_cond_t wake;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void *pool_worker(void *unused) {
  // The setting belongs to the calling thread: limiting main does not limit this one.
  set_openmp_threads(1);
  for (unsigned seen = 0;; seen++) {
    int spins = SPINS;
    while (atomic_load(&pool.posted) == seen && spins-- > 0) _mm_pause();
    if (atomic_load(&pool.posted) == seen) {
      pthread_mutex_lock(&pool.lock);
      atomic_store(&pool.parked, 1);
      while (atomic_load(&pool.posted) == seen) pthread_cond_wait(&pool.wake, &pool.lock);
      atomic_store(&pool.parked, 0);
      pthread_mutex_unlock(&pool.lock);
    }
    pool.fn(pool.context, 1, pool.count / 2, pool.count);
    atomic_store(&pool.finished, seen + 1);
  }
  return unused;
}

static void parallel(RangeFn fn, void *context, long count) {
  if (own_pool) {
    pool.fn = fn;
    pool.context = context;
    pool.count = count;
    unsigned ticket = atomic_fetch_add(&pool.posted, 1) + 1;
    if (atomic_load(&pool.parked)) {
      pthread_mutex_lock(&pool.lock);
      pthread_cond_signal(&pool.wake);
      pthread_mutex_unlock(&pool.lock);
    }
    fn(context, 0, 0, count / 2);
    while (atomic_load(&pool.finished) != ticket) _mm_pause();
  } else {
#ifdef _OPENMP
#pragma omp parallel for schedule(static)
#endif
    for (int w = 0; w < WORKERS; w++)
      fn(context, w, count * w / WORKERS, count * (w + 1) / WORKERS);
  }
}

#endif
