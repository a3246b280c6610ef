// LayerNorm (Ba et al. 2016). Two passes over a row that is in L1: no cancellation.
static void row_statistics(size_t columns, float epsilon, const float *row, float *statistics) {
  VD_SUMS
  float total = 0;
  for (size_t c = 0; c < columns; c++) total += row[c];
  float mean = total / (float)columns;
  float squares = 0;
  for (size_t c = 0; c < columns; c++) squares += (row[c] - mean) * (row[c] - mean);
  statistics[0] = mean;
  statistics[1] = 1.f / root_of(squares / (float)columns + epsilon);
}

static void layer_norm(size_t rows, size_t columns, float epsilon, const float *x,
                       const float *scale, const float *bias, vd_type type, void *y,
                       float *statistics, bool known) {
  float buffer[span];
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    if (!known) row_statistics(columns, epsilon, row, statistics + 2 * r);
    float mean = statistics[2 * r], rstd = statistics[2 * r + 1];
    for (size_t at = 0; at < columns; at += span) {
      size_t n = columns - at < span ? columns - at : span;
      float *out = span_of(type, y, r * columns + at, buffer);
      const float *from = row + at, *s = scale + at;
      if (bias)
        VD_INDEPENDENT for (size_t c = 0; c < n; c++)
          out[c] = (from[c] - mean) * rstd * s[c] + bias[at + c];
      else
        VD_INDEPENDENT for (size_t c = 0; c < n; c++) out[c] = (from[c] - mean) * rstd * s[c];
      write_span(type, n, out, y, r * columns + at);
    }
  }
}

// dx = rstd (g - mean(g) - n mean(g n)) with g = dy scale and n the normalized row;
// dscale and dbias are added to.
static void layer_norm_backward(size_t rows, size_t columns, vd_type type, const void *dy,
                                const float *x, const float *scale, const float *statistics,
                                float *dx, float *dscale, float *dbias) {
  float buffer[span];
  for (size_t r = 0; r < rows; r++) {
    VD_SUMS
    const float *row = x + r * columns;
    float *out = dx + r * columns;
    float mean = statistics[2 * r], rstd = statistics[2 * r + 1];
    float first = 0, second = 0;
    for (size_t at = 0; at < columns; at += span) {
      size_t n = columns - at < span ? columns - at : span;
      const float *g = read_span(type, n, dy, r * columns + at, buffer), *s = scale + at;
      const float *from = row + at;
      float sum = 0, product = 0;
      for (size_t c = 0; c < n; c++) {
        float t = g[c] * s[c];
        sum += t;
        product += t * ((from[c] - mean) * rstd);
      }
      first += sum;
      second += product;
    }
    first /= (float)columns;
    second /= (float)columns;
    for (size_t at = 0; at < columns; at += span) {
      size_t n = columns - at < span ? columns - at : span;
      const float *g = read_span(type, n, dy, r * columns + at, buffer), *s = scale + at;
      const float *from = row + at;
      float *o = out + at, *ds = dscale + at;
      VD_INDEPENDENT for (size_t c = 0; c < n; c++) {
        float normal = (from[c] - mean) * rstd;
        o[c] = rstd * (g[c] * s[c] - first - normal * second);
        ds[c] += g[c] * normal;
      }
      if (dbias) accumulate(n, g, dbias + at);
    }
  }
}

// RMSNorm (Zhang and Sennrich 2019): y = x rstd scale with rstd = 1 / sqrt(mean(x^2) + epsilon).
static void rms_norm(size_t rows, size_t columns, float epsilon, const float *x,
                     const float *scale, vd_type type, void *y, float *statistics, bool known) {
  float buffer[span];
  for (size_t r = 0; r < rows; r++) {
    VD_SUMS
    const float *row = x + r * columns;
    if (!known) {
      float squares = 0;
      for (size_t c = 0; c < columns; c++) squares += row[c] * row[c];
      statistics[r] = 1.f / root_of(squares / (float)columns + epsilon);
    }
    float rstd = statistics[r];
    for (size_t at = 0; at < columns; at += span) {
      size_t n = columns - at < span ? columns - at : span;
      float *out = span_of(type, y, r * columns + at, buffer);
      const float *from = row + at, *s = scale + at;
      VD_INDEPENDENT for (size_t c = 0; c < n; c++) out[c] = from[c] * rstd * s[c];
      write_span(type, n, out, y, r * columns + at);
    }
  }
}

// dx = rstd (g - n mean(g n)) with g = dy scale and n = x rstd; dscale is added to.
static void rms_norm_backward(size_t rows, size_t columns, vd_type type, const void *dy,
                              const float *x, const float *scale, const float *statistics,
                              float *dx, float *dscale) {
  float buffer[span];
  for (size_t r = 0; r < rows; r++) {
    VD_SUMS
    const float *row = x + r * columns;
    float *out = dx + r * columns;
    float rstd = statistics[r], mean = 0;
    for (size_t at = 0; at < columns; at += span) {
      size_t n = columns - at < span ? columns - at : span;
      const float *g = read_span(type, n, dy, r * columns + at, buffer), *s = scale + at;
      const float *from = row + at;
      float product = 0;
      for (size_t c = 0; c < n; c++) product += g[c] * s[c] * (from[c] * rstd);
      mean += product;
    }
    mean /= (float)columns;
    for (size_t at = 0; at < columns; at += span) {
      size_t n = columns - at < span ? columns - at : span;
      const float *g = read_span(type, n, dy, r * columns + at, buffer), *s = scale + at;
      const float *from = row + at;
      float *o = out + at, *ds = dscale + at;
      VD_INDEPENDENT for (size_t c = 0; c < n; c++) {
        float normal = from[c] * rstd;
        o[c] = rstd * (g[c] * s[c] - normal * mean);
        ds[c] += g[c] * normal;
      }
    }
  }
}
