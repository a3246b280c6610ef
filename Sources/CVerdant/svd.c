#include <dlfcn.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "CVerdant.h"

// LAPACK's Fortran interface: everything by reference, column-major.
typedef void (*gesdd_function)(const char *job, const int *m, const int *n, double *a,
                               const int *lda, double *s, double *u, const int *ldu, double *vt,
                               const int *ldvt, double *work, const int *lwork, int *iwork,
                               int *info);

static gesdd_function gesdd;
static pthread_once_t loaded = PTHREAD_ONCE_INIT;

// Not linked: a threaded OpenBLAS starts its threads when it is loaded.
static void load(void) {
#ifdef __APPLE__
  const char *names[] = {"/System/Library/Frameworks/Accelerate.framework/Accelerate"};
#else
  const char *names[] = {"liblapack.so.3", "libopenblas.so.0"};
#endif
  for (size_t i = 0; i < sizeof names / sizeof *names && !gesdd; i++) {
    void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library) gesdd = (gesdd_function)dlsym(library, "dgesdd_");
  }
}

bool vd_has_lapack(void) {
  pthread_once(&loaded, load);
  return gesdd != NULL;
}

// Row-major a [M,N] is column-major aT [N,M] = right values leftT.
static bool by_lapack(size_t M, size_t N, double *a, double *left, double *values,
                      double *right) {
  size_t k = M < N ? M : N;
  if (!vd_has_lapack() || M > INT32_MAX || N > INT32_MAX) return false;
  int m = (int)N, n = (int)M, kk = (int)k, info = 0, query = -1;
  double size = 0;
  int *integers = malloc(8 * k * sizeof(int));
  double *vt = malloc(k * M * sizeof(double));
  double *work = NULL;
  bool done = false;
  if (integers && vt) {
    gesdd("S", &m, &n, a, &m, values, right, &m, vt, &kk, &size, &query, integers, &info);
    int length = info == 0 ? (int)size : 0;
    work = length > 0 ? malloc((size_t)length * sizeof(double)) : NULL;
    if (work) {
      gesdd("S", &m, &n, a, &m, values, right, &m, vt, &kk, work, &length, integers, &info);
      done = info == 0;
    }
    for (size_t j = 0; done && j < k; j++)
      for (size_t i = 0; i < M; i++) left[j * M + i] = vt[j + i * k];
  }
  free(work);
  free(vt);
  free(integers);
  return done;
}

// One-sided Jacobi (Hestenes 1958) on the rows of x [k,length]; v [k,k] collects the rotations.
static void rotate_rows(size_t k, size_t length, double *x, double *v) {
  for (int sweep = 0; sweep < 60; sweep++) {
    double largest = 0;
    for (size_t p = 0; p + 1 < k; p++)
      for (size_t q = p + 1; q < k; q++) {
        double *xp = x + p * length, *xq = x + q * length;
        double pp = 0, qq = 0, pq = 0;
        for (size_t i = 0; i < length; i++) {
          pp += xp[i] * xp[i];
          qq += xq[i] * xq[i];
          pq += xp[i] * xq[i];
        }
        double scale = sqrt(pp) * sqrt(qq);
        if (scale == 0 || fabs(pq) <= 1e-15 * scale) continue;
        if (fabs(pq) / scale > largest) largest = fabs(pq) / scale;
        double zeta = (qq - pp) / (2 * pq);
        double t = (zeta >= 0 ? 1 : -1) / (fabs(zeta) + sqrt(1 + zeta * zeta));
        double c = 1 / sqrt(1 + t * t), s = c * t;
        for (size_t i = 0; i < length; i++) {
          double a = xp[i], b = xq[i];
          xp[i] = c * a - s * b;
          xq[i] = s * a + c * b;
        }
        double *vp = v + p * k, *vq = v + q * k;
        for (size_t i = 0; i < k; i++) {
          double a = vp[i], b = vq[i];
          vp[i] = c * a - s * b;
          vq[i] = s * a + c * b;
        }
      }
    if (largest < 1e-14) return;
  }
}

// Replaces row `row` of x by a unit vector orthogonal to the rows before it.
static void complete(size_t row, size_t length, double *x) {
  for (size_t axis = 0; axis < length; axis++) {
    double *r = x + row * length;
    memset(r, 0, length * sizeof(double));
    r[axis] = 1;
    for (int pass = 0; pass < 2; pass++)
      for (size_t j = 0; j < row; j++) {
        double dot = 0;
        for (size_t i = 0; i < length; i++) dot += r[i] * x[j * length + i];
        for (size_t i = 0; i < length; i++) r[i] -= dot * x[j * length + i];
      }
    double norm = 0;
    for (size_t i = 0; i < length; i++) norm += r[i] * r[i];
    norm = sqrt(norm);
    if (norm < 0.5 / sqrt((double)length)) continue;
    for (size_t i = 0; i < length; i++) r[i] /= norm;
    return;
  }
}

// x [k,length] = short_side^T values long_side, with short_side [k,k] and long_side [k,length].
static bool by_jacobi(size_t k, size_t length, const double *x, double *short_side,
                      double *values, double *long_side) {
  double *rows = malloc(k * length * sizeof(double)), *v = calloc(k * k, sizeof(double));
  size_t *order = malloc(k * sizeof(size_t));
  bool done = rows && v && order;
  if (done) {
    memcpy(rows, x, k * length * sizeof(double));
    for (size_t i = 0; i < k; i++) v[i * k + i] = 1;
    rotate_rows(k, length, rows, v);
    for (size_t j = 0; j < k; j++) {
      double norm = 0;
      for (size_t i = 0; i < length; i++) norm += rows[j * length + i] * rows[j * length + i];
      norm = sqrt(norm);
      size_t at = j;
      while (at > 0 && values[at - 1] < norm) {
        values[at] = values[at - 1];
        order[at] = order[at - 1];
        at--;
      }
      values[at] = norm;
      order[at] = j;
    }
    for (size_t j = 0; j < k; j++) {
      memcpy(short_side + j * k, v + order[j] * k, k * sizeof(double));
      if (values[j] > DBL_EPSILON * values[0] * (double)length) {
        for (size_t i = 0; i < length; i++)
          long_side[j * length + i] = rows[order[j] * length + i] / values[j];
      } else {
        complete(j, length, long_side);
      }
    }
  }
  free(order);
  free(v);
  free(rows);
  return done;
}

static void fix_signs(size_t k, size_t M, size_t N, double *left, double *right) {
  for (size_t j = 0; j < k; j++) {
    double largest = 0;
    for (size_t i = 0; i < M; i++)
      if (fabs(left[j * M + i]) > fabs(largest)) largest = left[j * M + i];
    if (largest >= 0) continue;
    for (size_t i = 0; i < M; i++) left[j * M + i] = -left[j * M + i];
    for (size_t i = 0; i < N; i++) right[j * N + i] = -right[j * N + i];
  }
}

bool vd_svd(bool use_library, size_t M, size_t N, double *a, double *left, double *values,
            double *right) {
  size_t k = M < N ? M : N;
  if (k == 0) return true;
  bool done = use_library && by_lapack(M, N, a, left, values, right);
  if (!done && !(use_library && vd_has_lapack())) {
    if (M <= N) {
      done = by_jacobi(M, N, a, left, values, right);
    } else {
      double *transposed = malloc(M * N * sizeof(double));
      if (!transposed) return false;
      for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) transposed[j * M + i] = a[i * N + j];
      done = by_jacobi(N, M, transposed, right, values, left);
      free(transposed);
    }
  }
  if (done) fix_signs(k, M, N, left, right);
  return done;
}
