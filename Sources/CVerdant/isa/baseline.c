// What every machine of the architecture runs: SSE2 on x86-64, NEON on arm64.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../kernels/table.h"

#define VD_ISA baseline
#define VD_WIDTH 4
#define VD_ROWS 6
#include "../kernels/all.inc.h"
