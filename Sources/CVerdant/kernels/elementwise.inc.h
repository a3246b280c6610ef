#define VD_MAP(expression)                 \
  for (size_t i = 0; i < n; i++) {         \
    float v = x[i];                        \
    y[i] = (expression);                   \
  }                                        \
  break

static void unary(vd_unary_op op, size_t n, const float *x, float *y) {
  switch (op) {
    case VD_NEGATE: VD_MAP(-v);
    case VD_EXP: VD_MAP(exp_of(v));
    case VD_LOG: VD_MAP(log_of(v));
    case VD_SQRT: VD_MAP(root_of(v));
    case VD_RECIPROCAL: VD_MAP(1.f / v);
    case VD_TANH: VD_MAP(tanh_of(v));
    case VD_STEP: VD_MAP(v > 0.f ? 1.f : 0.f);
    case VD_COPY: VD_MAP(v);
  }
}

#define VD_PAIR(expression)                                                                  \
  for (size_t r = 0; r < rows; r++) {                                                        \
    const float *p = a + r * a_row, *q = b + r * b_row;                                      \
    float *o = y + r * columns;                                                              \
    if (a_column && b_column)                                                                \
      for (size_t c = 0; c < columns; c++) { float s = p[c], t = q[c]; o[c] = (expression); } \
    else if (a_column) {                                                                     \
      float t = q[0];                                                                        \
      for (size_t c = 0; c < columns; c++) { float s = p[c]; o[c] = (expression); }          \
    } else if (b_column) {                                                                   \
      float s = p[0];                                                                        \
      for (size_t c = 0; c < columns; c++) { float t = q[c]; o[c] = (expression); }          \
    } else {                                                                                 \
      float s = p[0], t = q[0];                                                              \
      for (size_t c = 0; c < columns; c++) o[c] = (expression);                              \
    }                                                                                        \
  }                                                                                          \
  break

static void binary(vd_binary_op op, size_t rows, size_t columns, const float *a, size_t a_row,
                   size_t a_column, const float *b, size_t b_row, size_t b_column, float *y) {
  switch (op) {
    case VD_ADD: VD_PAIR(s + t);
    case VD_SUBTRACT: VD_PAIR(s - t);
    case VD_MULTIPLY: VD_PAIR(s * t);
    case VD_DIVIDE: VD_PAIR(s / t);
    case VD_MAXIMUM: VD_PAIR(s > t || s != s ? s : t);
    case VD_EQUAL: VD_PAIR(s == t ? 1.f : 0.f);
  }
}

static float sum(size_t n, const float *x) {
  VD_SUMS
  float total = 0;
  for (size_t i = 0; i < n; i++) total += x[i];
  return total;
}

static double sum_of_squares(size_t n, const float *x) {
  VD_SUMS
  double total = 0;
  for (size_t i = 0; i < n; i++) total += (double)x[i] * (double)x[i];
  return total;
}

// NaN when an element is. In vectors by hand: clang keeps a running maximum scalar unless it may
// ignore NaN.
static float largest(size_t n, const float *x) {
  float best = -INFINITY;
  bool unordered = false;
  size_t i = 0;
  if (n >= VD_WIDTH) {
    vector most = *(const vector *)x;
    vector_mask bad = most != most;
    for (i = VD_WIDTH; i + VD_WIDTH <= n; i += VD_WIDTH) {
      vector v = *(const vector *)(x + i);
      bad |= v != v;
      most = __builtin_elementwise_max(most, v);
    }
    for (int l = 0; l < VD_WIDTH; l++) {
      best = most[l] > best ? most[l] : best;
      unordered |= bad[l] != 0;
    }
  }
  for (; i < n; i++) {
    best = x[i] > best ? x[i] : best;
    unordered |= x[i] != x[i];
  }
  return unordered ? NAN : best;
}

static void accumulate(size_t n, const float *x, float *y) {
  for (size_t i = 0; i < n; i++) y[i] += x[i];
}

static void reduce(vd_reduction op, size_t middle, size_t inner, const float *x, float *y) {
  if (inner == 1) {
    y[0] = op == VD_SUM ? sum(middle, x) : largest(middle, x);
    return;
  }
  float start = op == VD_SUM ? 0.f : -INFINITY;
  for (size_t i = 0; i < inner; i++) y[i] = start;
  for (size_t m = 0; m < middle; m++) {
    const float *row = x + m * inner;
    if (op == VD_SUM) accumulate(inner, row, y);
    else
      for (size_t i = 0; i < inner; i++) y[i] = row[i] > y[i] || row[i] != row[i] ? row[i] : y[i];
  }
}

static void scale_in_place(size_t n, float factor, float *x) {
  for (size_t i = 0; i < n; i++) x[i] *= factor;
}

static void fill(size_t n, float value, float *y) {
  for (size_t i = 0; i < n; i++) y[i] = value;
}

// Round to nearest even; a NaN keeps its sign and becomes quiet.
static inline uint16_t bf16_of(float x) {
  uint32_t u = to_bits(x), rounded = (u + 0x7FFFu + ((u >> 16) & 1u)) >> 16;
  return (uint16_t)((u & 0x7FFFFFFFu) > 0x7F800000u ? (u >> 16) | 0x40u : rounded);
}

static void to_bf16(size_t n, const float *x, uint16_t *y) {
  for (size_t i = 0; i < n; i++) y[i] = bf16_of(x[i]);
}

static void from_bf16(size_t n, const uint16_t *x, float *y) {
  for (size_t i = 0; i < n; i++) y[i] = from_bits((uint32_t)x[i] << 16);
}

static void column_sum(size_t rows, size_t columns, vd_type type, const void *x, float *y) {
  float buffer[span];
  for (size_t c = 0; c < columns; c++) y[c] = 0;
  for (size_t r = 0; r < rows; r++)
    for (size_t at = 0; at < columns; at += span) {
      size_t n = columns - at < span ? columns - at : span;
      accumulate(n, read_span(type, n, x, r * columns + at, buffer), y + at);
    }
}
