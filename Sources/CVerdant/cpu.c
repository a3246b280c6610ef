#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

#include "kernels/table.h"

static const vd_kernels *available[4];
static int available_count;
static _Atomic(const vd_kernels *) selected;
static bool request_failed;

static void detect(void) {
  available[available_count++] = &vd_kernels_baseline;
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("bmi2");
  if (avx2) available[available_count++] = &vd_kernels_avx2;
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    available[available_count++] = &vd_kernels_avx512;
  if (available[available_count - 1] == &vd_kernels_avx512 &&
      __builtin_cpu_supports("avx512bf16"))
    available[available_count++] = &vd_kernels_avx512bf16;
#endif
  const vd_kernels *choice = available[available_count - 1];
  const char *wanted = getenv("VERDANT_ISA");
  if (wanted && *wanted) {
    request_failed = true;
    for (int i = 0; i < available_count; i++)
      if (strcmp(available[i]->name, wanted) == 0) {
        choice = available[i];
        request_failed = false;
      }
  }
  atomic_store(&selected, choice);
}

// Before main, so that no later call needs a lock.
__attribute__((constructor)) static void start(void) { detect(); }

const vd_kernels *vd_table(void) {
  return atomic_load_explicit(&selected, memory_order_relaxed);
}

int vd_isa_count(void) { return available_count; }

const char *vd_isa_name(int index) {
  return index >= 0 && index < available_count ? available[index]->name : "";
}

const char *vd_isa_selected(void) { return vd_table()->name; }

bool vd_isa_select(const char *name) {
  for (int i = 0; i < available_count; i++)
    if (strcmp(available[i]->name, name) == 0) {
      atomic_store(&selected, available[i]);
      return true;
    }
  return false;
}

bool vd_isa_request_failed(void) { return request_failed; }

void vd_cpu_name(char *buffer, size_t capacity) {
  if (capacity == 0) return;
  buffer[0] = 0;
#if defined(__APPLE__)
  size_t length = capacity;
  if (sysctlbyname("machdep.cpu.brand_string", buffer, &length, NULL, 0) != 0) buffer[0] = 0;
#elif defined(__linux__)
  FILE *file = fopen("/proc/cpuinfo", "re");
  if (!file) return;
  char line[512];
  while (fgets(line, sizeof line, file)) {
    if (strncmp(line, "model name", 10) != 0) continue;
    const char *value = strchr(line, ':');
    if (!value) break;
    value++;
    while (*value == ' ' || *value == '\t') value++;
    size_t length = strcspn(value, "\n");
    if (length >= capacity) length = capacity - 1;
    memcpy(buffer, value, length);
    buffer[length] = 0;
    break;
  }
  fclose(file);
#endif
}
