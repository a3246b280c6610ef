#include "CVerdant.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static _Atomic uint64_t blocks_taken;

// Huge pages pay from this size on: a tensor of activations then costs tens of page faults.
static const size_t huge_page = (size_t)2 << 20;

void *vd_allocate(size_t bytes) {
  size_t alignment = bytes >= huge_page ? huge_page : 64;
  void *block = NULL;
  if (posix_memalign(&block, alignment, bytes ? bytes : 64) != 0) return NULL;
#ifdef MADV_HUGEPAGE
  if (bytes >= huge_page) madvise(block, bytes, MADV_HUGEPAGE);
#endif
  atomic_fetch_add_explicit(&blocks_taken, 1, memory_order_relaxed);
  return block;
}

void vd_free(void *block, size_t bytes) {
  (void)bytes;
  free(block);
}

uint64_t vd_blocks_taken(void) {
  return atomic_load_explicit(&blocks_taken, memory_order_relaxed);
}

void vd_poison(void *block, size_t bytes) { memset(block, 0xFF, bytes); }

#ifdef __linux__
// Of this program alone: getrusage also remembers the peak of the process that started it.
static uint64_t high_water_mark(void) {
  FILE *file = fopen("/proc/self/status", "re");
  if (!file) return 0;
  char line[256];
  unsigned long long kilobytes = 0;
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "VmHWM: %llu", &kilobytes) == 1) break;
  fclose(file);
  return kilobytes * 1024;
}
#endif

uint64_t vd_peak_resident_bytes(void) {
#ifdef __linux__
  uint64_t peak = high_water_mark();
  if (peak > 0) return peak;
#endif
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
#ifdef __APPLE__
  return (uint64_t)usage.ru_maxrss;
#else
  return (uint64_t)usage.ru_maxrss * 1024;
#endif
}

uint64_t vd_resident_bytes(void) {
#ifdef __linux__
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return 0;
  unsigned long long total = 0, resident = 0;
  int found = fscanf(file, "%llu %llu", &total, &resident);
  fclose(file);
  return found == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
#else
  return vd_peak_resident_bytes();
#endif
}
