// x, z and y are one buffer or none overlaps another, which the compiler cannot see.
#define VD_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")

#define VD_ROW(expression)                                                \
  for (size_t r = 0; r < rows; r++) {                                     \
    const float *p = x + r * columns;                                     \
    float *zr = z ? z + r * columns : NULL, *o = y + r * columns;         \
    if (bias && zr) {                                                     \
      VD_INDEPENDENT for (size_t c = 0; c < columns; c++) {               \
        float v = p[c] + bias[c];                                         \
        zr[c] = v;                                                        \
        o[c] = (expression);                                              \
      }                                                                   \
    } else if (bias) {                                                    \
      VD_INDEPENDENT for (size_t c = 0; c < columns; c++) {               \
        float v = p[c] + bias[c];                                         \
        o[c] = (expression);                                              \
      }                                                                   \
    } else {                                                              \
      VD_INDEPENDENT for (size_t c = 0; c < columns; c++) {               \
        float v = p[c];                                                   \
        o[c] = (expression);                                              \
      }                                                                   \
    }                                                                     \
  }                                                                       \
  break

// y = activation(x + bias); z, when given, is x itself and receives x + bias.
static void bias_activation(vd_activation a, size_t rows, size_t columns, const float *x,
                            const float *bias, float *z, float *y) {
  switch (a) {
    case VD_ACT_NONE: VD_ROW(v);
    case VD_ACT_GELU: VD_ROW(gelu_of(v));
    case VD_ACT_RELU: VD_ROW(v > 0.f || v != v ? v : 0.f);
    case VD_ACT_SILU: VD_ROW(silu_of(v));
  }
}

#define VD_SLOPE(expression)                             \
  for (size_t i = 0; i < n; i++) {                       \
    float v = z[i];                                      \
    dz[i] = dy[i] * (expression);                        \
  }                                                      \
  break

static void activation_backward(vd_activation a, size_t n, const float *dy, const float *z,
                                float *dz) {
  switch (a) {
    case VD_ACT_NONE:
      for (size_t i = 0; i < n; i++) dz[i] = dy[i];
      break;
    case VD_ACT_GELU: VD_SLOPE(gelu_slope(v));
    case VD_ACT_RELU: VD_SLOPE(v > 0.f ? 1.f : 0.f);
    case VD_ACT_SILU: VD_SLOPE(silu_slope(v));
  }
}
