// x and y are one buffer or do not overlap, which the compiler cannot see.
#define VD_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")

#define VD_ACTIVATE(expression)                    \
  VD_INDEPENDENT for (size_t i = 0; i < n; i++) {  \
    float v = x[i];                                \
    y[i] = (expression);                           \
  }                                                \
  break

static void activate_span(vd_activation a, size_t n, const float *x, float *y) {
  switch (a) {
    case VD_ACT_NONE: VD_ACTIVATE(v);
    case VD_ACT_GELU: VD_ACTIVATE(gelu_of(v));
    case VD_ACT_RELU: VD_ACTIVATE(v > 0.f || v != v ? v : 0.f);
    case VD_ACT_SILU: VD_ACTIVATE(silu_of(v));
    case VD_ACT_GELU_EXACT: VD_ACTIVATE(gelu_exact_of(v));
    case VD_ACT_TANH: VD_ACTIVATE(tanh_of(v));
  }
}

// z += bias when there is one; y = activation(z), which may be z itself.
static void bias_activation(vd_activation a, vd_type type, size_t rows, size_t columns, size_t ld,
                            const float *bias, void *z, void *y) {
  float input[span], output[span];
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < columns; c += span) {
      size_t n = columns - c < span ? columns - c : span, at = r * ld + c;
      const float *x = read_span(type, n, z, at, input);
      if (bias) {
        float *sum = span_of(type, z, at, input);
        VD_INDEPENDENT for (size_t i = 0; i < n; i++) sum[i] = x[i] + bias[c + i];
        if (y != z || a == VD_ACT_NONE) write_span(type, n, sum, z, at);
        x = sum;
      }
      if (a == VD_ACT_NONE && y == z) continue;
      float *out = span_of(type, y, at, output);
      activate_span(a, n, x, out);
      write_span(type, n, out, y, at);
    }
}

static void accumulate_typed(vd_type type, size_t n, const void *x, void *y) {
  if (type == VD_F32) {
    accumulate(n, x, y);
    return;
  }
  float sum[span], part[span];
  for (size_t at = 0; at < n; at += span) {
    size_t count = n - at < span ? n - at : span;
    from_bf16(count, (const uint16_t *)y + at, sum);
    from_bf16(count, (const uint16_t *)x + at, part);
    accumulate(count, part, sum);
    to_bf16(count, sum, (uint16_t *)y + at);
  }
}

static void add_bias_rows(size_t rows, size_t columns, size_t ld, const float *x,
                          const float *bias, float *y) {
  for (size_t r = 0; r < rows; r++) {
    const float *from = x + r * ld;
    float *to = y + r * ld;
    if (bias)
      for (size_t c = 0; c < columns; c++) to[c] = from[c] + bias[c];
    else memcpy(to, from, columns * sizeof(float));
  }
}

#define VD_SLOPE(expression)                       \
  VD_INDEPENDENT for (size_t i = 0; i < n; i++) {  \
    float v = z[i];                                \
    dz[i] = dy[i] * (expression);                  \
  }                                                \
  break

static void slope_span(vd_activation a, size_t n, const float *dy, const float *z, float *dz) {
  switch (a) {
    case VD_ACT_NONE: memcpy(dz, dy, n * sizeof(float)); break;
    case VD_ACT_GELU: VD_SLOPE(gelu_slope(v));
    case VD_ACT_RELU: VD_SLOPE(v > 0.f ? 1.f : 0.f);
    case VD_ACT_SILU: VD_SLOPE(silu_slope(v));
    case VD_ACT_GELU_EXACT: VD_SLOPE(gelu_exact_slope(v));
    case VD_ACT_TANH: VD_SLOPE(tanh_slope(v));
  }
}

static void activation_backward(vd_activation a, vd_type type, size_t n, const void *dy,
                                const void *z, void *dz) {
  float gradient[span], value[span], result[span];
  for (size_t at = 0; at < n; at += span) {
    size_t count = n - at < span ? n - at : span;
    float *out = span_of(type, dz, at, result);
    slope_span(a, count, read_span(type, count, dy, at, gradient),
               read_span(type, count, z, at, value), out);
    write_span(type, count, out, dz, at);
  }
}

// y = activation(gate) up.
static void gated_unit(vd_activation a, vd_type type, size_t n, const void *gate, const void *up,
                       void *y) {
  float first[span], second[span], result[span];
  for (size_t at = 0; at < n; at += span) {
    size_t count = n - at < span ? n - at : span;
    const float *g = read_span(type, count, gate, at, first);
    const float *u = read_span(type, count, up, at, second);
    float *out = span_of(type, y, at, result);
    activate_span(a, count, g, out);
    VD_INDEPENDENT for (size_t i = 0; i < count; i++) out[i] *= u[i];
    write_span(type, count, out, y, at);
  }
}

// dgate = dy up activation'(gate) and dup = dy activation(gate).
static void gated_unit_backward(vd_activation a, vd_type type, size_t n, const void *dy,
                                const void *gate, const void *up, void *dgate, void *dup) {
  float gradient[span], first[span], second[span], product[span], left[span], right[span];
  for (size_t at = 0; at < n; at += span) {
    size_t count = n - at < span ? n - at : span;
    const float *d = read_span(type, count, dy, at, gradient);
    const float *g = read_span(type, count, gate, at, first);
    const float *u = read_span(type, count, up, at, second);
    float *dg = span_of(type, dgate, at, left), *du = span_of(type, dup, at, right);
    activate_span(a, count, g, du);
    VD_INDEPENDENT for (size_t i = 0; i < count; i++) {
      du[i] *= d[i];
      product[i] = d[i] * u[i];
    }
    slope_span(a, count, product, g, dg);
    write_span(type, count, dg, dgate, at);
    write_span(type, count, du, dup, at);
  }
}
