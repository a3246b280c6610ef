#define _GNU_SOURCE
#include "CVerdant.h"
#include "threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__x86_64__)
#define VD_PAUSE() __builtin_ia32_pause()
#else
#define VD_PAUSE() __asm__ volatile("" ::: "memory")
#endif

enum { max_threads = 256 };
// A worker looks for new work this many times (about 50 µs) before it sleeps:
// the gap between two passes of a training step is shorter.
enum { spins = 2000 };

typedef struct {
  vd_task task;
  void *context;
  size_t count;
  int helpers;
} job;

static pthread_mutex_t call_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static int sleepers;  // under sleep_lock

static job current;
static _Atomic uint64_t generation;
static _Atomic size_t next_index;
static _Atomic int still_running;
static int started;  // workers created, under call_lock
static _Atomic int wanted_threads;
static _Thread_local bool inside_task;

static void (*thread_setup)(void);

typedef struct {
  void *block;
  size_t bytes;
} scratch_slot;
enum { slots = 8 };
static pthread_key_t scratch_key;

// Runs when a thread ends: callers' threads come and go.
static void out_of_memory(void) {
  fputs("verdant: the system has no memory left for the scratch space of a thread\n", stderr);
  abort();
}

static void free_scratch(void *all) {
  scratch_slot *s = all;
  for (int i = 0; i < slots; i++) vd_free(s[i].block, s[i].bytes);
  free(s);
}

__attribute__((constructor)) static void make_key(void) {
  if (pthread_key_create(&scratch_key, free_scratch) != 0) out_of_memory();
}

void *vd_scratch(int slot, size_t bytes) {
  scratch_slot *all = pthread_getspecific(scratch_key);
  if (!all) {
    all = calloc(slots, sizeof *all);
    if (!all || pthread_setspecific(scratch_key, all) != 0) out_of_memory();
  }
  scratch_slot *s = &all[slot];
  if (s->bytes < bytes) {
    vd_free(s->block, s->bytes);
    s->block = vd_allocate(bytes);
    if (!s->block) out_of_memory();
    s->bytes = bytes;
  }
  return s->block;
}

void vd_on_thread_start(void (*setup)(void)) { thread_setup = setup; }

int vd_core_count(void) {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    int count = CPU_COUNT(&set);
    if (count > 0) return count < max_threads ? count : max_threads;
  }
#endif
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : count > max_threads ? max_threads : (int)count;
}

int vd_thread_count(void) {
  int count = atomic_load_explicit(&wanted_threads, memory_order_relaxed);
  if (count == 0) {
    count = vd_core_count();
    atomic_store_explicit(&wanted_threads, count, memory_order_relaxed);
  }
  return count;
}

void vd_set_thread_count(int count) {
  int cores = vd_core_count();
  atomic_store(&wanted_threads, count < 1 ? 1 : count > cores ? cores : count);
}

static void work(const job *j) {
  for (;;) {
    size_t index = atomic_fetch_add_explicit(&next_index, 1, memory_order_relaxed);
    if (index >= j->count) return;
    j->task(j->context, index);
  }
}

typedef struct {
  int number;
  uint64_t seen;
} worker_start;

static void *worker(void *argument) {
  worker_start *start = argument;
  int number = start->number;
  uint64_t seen = start->seen;
  free(start);
  inside_task = true;
  if (thread_setup) thread_setup();
  for (;;) {
    uint64_t now = seen;
    for (int i = 0; i < spins; i++) {
      now = atomic_load_explicit(&generation, memory_order_acquire);
      if (now != seen) break;
      VD_PAUSE();
    }
    if (now == seen) {
      pthread_mutex_lock(&sleep_lock);
      sleepers++;
      while ((now = atomic_load(&generation)) == seen) pthread_cond_wait(&wake, &sleep_lock);
      sleepers--;
      pthread_mutex_unlock(&sleep_lock);
    }
    seen = now;
    // Every worker counts down for every job, so `current` is stable while one may read it.
    if (number < current.helpers) work(&current);
    atomic_fetch_sub_explicit(&still_running, 1, memory_order_release);
  }
  return NULL;
}

// Called between jobs, so a new worker may take the present generation as already done.
static void start_workers(int count) {
  while (started < count) {
    worker_start *start = malloc(sizeof *start);
    if (!start) return;
    *start = (worker_start){started, atomic_load(&generation)};
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, (size_t)8 << 20);
    int failed = pthread_create(&thread, &attributes, worker, start);
    pthread_attr_destroy(&attributes);
    if (failed) {
      free(start);
      return;
    }
    started++;
  }
}

void vd_parallel(size_t count, vd_task task, void *context) {
  int threads = vd_thread_count();
  if (count <= 1 || threads == 1 || inside_task) {
    for (size_t i = 0; i < count; i++) task(context, i);
    return;
  }
  pthread_mutex_lock(&call_lock);
  start_workers(threads - 1);
  current = (job){task, context, count, threads - 1};
  atomic_store_explicit(&next_index, 0, memory_order_relaxed);
  atomic_store_explicit(&still_running, started, memory_order_relaxed);
  atomic_fetch_add_explicit(&generation, 1, memory_order_release);
  pthread_mutex_lock(&sleep_lock);
  if (sleepers > 0) pthread_cond_broadcast(&wake);
  pthread_mutex_unlock(&sleep_lock);
  inside_task = true;
  work(&current);
  inside_task = false;
  for (int i = 0; atomic_load_explicit(&still_running, memory_order_acquire) > 0; i++) {
    VD_PAUSE();
    // With more runnable threads than cores the worker may be waiting for this core.
    if (i > spins) sched_yield();
  }
  pthread_mutex_unlock(&call_lock);
}
