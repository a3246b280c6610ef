// One block of columns of an online softmax (Milakov and Gimelshein 2018): scores become
// exp(s - m) for the new running maximum m; earlier sums and output rows are rescaled to it.
// visible[r] columns of row r count, the rest become 0.
static void softmax_block(size_t rows, size_t columns, const size_t *visible, float *scores,
                          size_t ld, float *maximum, float *total, float *output,
                          size_t output_width) {
  for (size_t r = 0; r < rows; r++) {
    VD_SUMS
    float *s = scores + r * ld;
    size_t n = visible[r];
    float before = maximum[r];
    float now = n ? largest(n, s) : -INFINITY;
    now = now > before || now != now ? now : before;
    // Scores that are all minus infinity count as not seen; their difference would be NaN.
    if (now == -INFINITY) n = 0;
    float sum_of_row = 0;
    for (size_t c = 0; c < n; c++) {
      float e = exp_of(s[c] - now);
      s[c] = e;
      sum_of_row += e;
    }
    for (size_t c = n; c < columns; c++) s[c] = 0;
    if (now != before) {
      float factor = before == -INFINITY ? 0.f : exp_of(before - now);
      total[r] *= factor;
      for (size_t c = 0; c < output_width; c++) output[r * output_width + c] *= factor;
    }
    total[r] += sum_of_row;
    maximum[r] = now;
  }
}

// y = output / total, lse = maximum + log(total); a row that saw nothing gives 0 and 0.
static void softmax_finish(size_t rows, size_t width, const float *maximum, const float *total,
                           const float *output, float *y, size_t ldy, float *lse) {
  for (size_t r = 0; r < rows; r++) {
    float inverse = total[r] == 0.f ? 0.f : 1.f / total[r];
    for (size_t c = 0; c < width; c++) y[r * ldy + c] = output[r * width + c] * inverse;
    if (lse) lse[r] = total[r] == 0.f ? 0.f : maximum[r] + log_of(total[r]);
  }
}

static void probabilities(size_t rows, size_t columns, const size_t *visible, const float *lse,
                          float *scores, size_t ld) {
  for (size_t r = 0; r < rows; r++) {
    float *s = scores + r * ld;
    size_t n = visible[r];
    float shift = lse[r];
    for (size_t c = 0; c < n; c++) s[c] = exp_of(s[c] - shift);
    for (size_t c = n; c < columns; c++) s[c] = 0;
  }
}

// dS = P (dP - delta) scale, in place of dP.
static void score_gradient(size_t rows, size_t columns, const float *delta, float scale,
                           const float *p, float *gradient, size_t ld) {
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < columns; c++)
      gradient[r * ld + c] = p[r * ld + c] * (gradient[r * ld + c] - delta[r]) * scale;
}

// Sum of -log softmax(logits)[target]; with `gradient`, logits become
// factor (softmax - onehot), 0 in the rows whose target is negative.
static double cross_entropy(size_t rows, size_t vocabulary, const int32_t *targets,
                            float *logits, bool gradient, float factor) {
  double loss = 0;
  for (size_t r = 0; r < rows; r++) {
    VD_SUMS
    float *row = logits + r * vocabulary;
    int32_t target = targets[r];
    if (target < 0) {
      if (gradient) fill(vocabulary, 0, row);
      continue;
    }
    float shift = largest(vocabulary, row);
    float chosen = row[target];
    float total = 0;
    if (gradient) {
      for (size_t c = 0; c < vocabulary; c++) {
        float e = exp_of(row[c] - shift);
        row[c] = e;
        total += e;
      }
      float f = factor / total;
      for (size_t c = 0; c < vocabulary; c++) row[c] *= f;
      row[target] -= factor;
    } else {
      for (size_t c = 0; c < vocabulary; c++) total += exp_of(row[c] - shift);
    }
    loss += (double)shift + log((double)total) - (double)chosen;
  }
  return loss;
}
