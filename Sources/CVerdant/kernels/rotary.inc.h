// Rotary positions (Su et al. 2021), half-split as in Llama: in each head the pair
// (x[i], x[i + half]) turns by the angle of its position and i.

// Cosines and sines [count, half] of the positions from one whose own are given, each position one
// turn after the other; in double precision, so that a block of positions loses no bit of f32.
static void rotary_table(size_t count, size_t half, const double *turn_cosine,
                         const double *turn_sine, double *cosine, double *sine, float *table_cosine,
                         float *table_sine) {
  for (size_t t = 0; t < count; t++)
    VD_INDEPENDENT for (size_t i = 0; i < half; i++) {
      double c = cosine[i], s = sine[i];
      table_cosine[t * half + i] = (float)c;
      table_sine[t * half + i] = (float)s;
      cosine[i] = c * turn_cosine[i] - s * turn_sine[i];
      sine[i] = s * turn_cosine[i] + c * turn_sine[i];
    }
}

// One token: y = x turned, or turned back with sign -1.
static void rotate(vd_type type, size_t heads, size_t half, float sign, const float *cosine,
                   const float *sine, const void *x, void *y) {
  float first[span], second[span], first_out[span], second_out[span];
  for (size_t h = 0; h < heads; h++)
    for (size_t at = 0; at < half; at += span) {
      size_t n = half - at < span ? half - at : span, low = 2 * h * half + at, high = low + half;
      const float *a = read_span(type, n, x, low, first), *b = read_span(type, n, x, high, second);
      const float *c = cosine + at, *s = sine + at;
      float *p = span_of(type, y, low, first_out), *q = span_of(type, y, high, second_out);
      VD_INDEPENDENT for (size_t i = 0; i < n; i++) {
        float sine_i = sign * s[i];
        p[i] = a[i] * c[i] - b[i] * sine_i;
        q[i] = b[i] * c[i] + a[i] * sine_i;
      }
      write_span(type, n, p, y, low);
      write_span(type, n, q, y, high);
    }
}
