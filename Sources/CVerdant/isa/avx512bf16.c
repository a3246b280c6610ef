#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../kernels/table.h"

#define VD_ISA avx512bf16
#define VD_PAIR_PRODUCTS
#define VD_WIDTH 16
#define VD_ROWS 12
// prefer-vector-width is a code generation choice per function; without it clang keeps to ymm.
#pragma clang attribute push(                                                            \
    __attribute__((                                                                      \
        target("avx512bf16,avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,bmi,bmi2"),  \
        min_vector_width(512))),                                                         \
    apply_to = function)
#include "../kernels/all.inc.h"
#pragma clang attribute pop
#endif
