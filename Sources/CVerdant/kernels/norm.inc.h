// LayerNorm (Ba et al. 2016). Two passes over a row that is in L1: no cancellation.
static void layer_norm(size_t rows, size_t columns, float epsilon, const float *x,
                       const float *scale, const float *bias, float *y, float *statistics) {
  for (size_t r = 0; r < rows; r++) {
    VD_SUMS
    const float *row = x + r * columns;
    float *out = y + r * columns;
    float total = 0;
    for (size_t c = 0; c < columns; c++) total += row[c];
    float mean = total / (float)columns;
    float squares = 0;
    for (size_t c = 0; c < columns; c++) squares += (row[c] - mean) * (row[c] - mean);
    float rstd = 1.f / root_of(squares / (float)columns + epsilon);
    if (bias)
      for (size_t c = 0; c < columns; c++) out[c] = (row[c] - mean) * rstd * scale[c] + bias[c];
    else
      for (size_t c = 0; c < columns; c++) out[c] = (row[c] - mean) * rstd * scale[c];
    statistics[2 * r] = mean;
    statistics[2 * r + 1] = rstd;
  }
}

// dx = rstd (g - mean(g) - n mean(g n)) with g = dy scale and n the normalized row;
// dscale and dbias are added to.
static void layer_norm_backward(size_t rows, size_t columns, const float *dy, const float *x,
                                const float *scale, const float *statistics, float *dx,
                                float *dscale, float *dbias) {
  for (size_t r = 0; r < rows; r++) {
    VD_SUMS
    const float *g = dy + r * columns, *row = x + r * columns;
    float *out = dx + r * columns;
    float mean = statistics[2 * r], rstd = statistics[2 * r + 1];
    float first = 0, second = 0;
    for (size_t c = 0; c < columns; c++) {
      float n = (row[c] - mean) * rstd, t = g[c] * scale[c];
      first += t;
      second += t * n;
    }
    first /= (float)columns;
    second /= (float)columns;
    for (size_t c = 0; c < columns; c++) {
      float n = (row[c] - mean) * rstd;
      out[c] = rstd * (g[c] * scale[c] - first - n * second);
      dscale[c] += g[c] * n;
    }
    if (dbias) accumulate(columns, g, dbias);
  }
}
