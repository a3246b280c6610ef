#if defined(__x86_64__)
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../kernels/table.h"

#define VD_ISA avx2
#define VD_WIDTH 8
#define VD_ROWS 6
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2"))), \
                             apply_to = function)
#include "../kernels/all.inc.h"
#pragma clang attribute pop
#endif
