// Sum of -log softmax(logits) for targets q, which are 1 - smoothing at the target and smoothing /
// vocabulary everywhere; with `gradient`, logits become factor (softmax - q), 0 in the rows whose
// target is negative; `narrow`, when given, receives them in bf16.
static double cross_entropy(size_t rows, size_t vocabulary, const int32_t *targets, float smoothing,
                            float *logits, bool gradient, float factor, uint16_t *narrow) {
  float share = factor * smoothing / (float)vocabulary;
  double loss = 0;
  for (size_t r = 0; r < rows; r++) {
    VD_SUMS
    float *row = logits + r * vocabulary;
    int32_t target = targets[r];
    if (target < 0) {
      if (narrow) memset(narrow + r * vocabulary, 0, vocabulary * sizeof(uint16_t));
      else if (gradient) fill(vocabulary, 0, row);
      continue;
    }
    float shift = largest(vocabulary, row);
    float chosen = row[target];
    float total = 0, mean = 0;
    if (smoothing > 0) {
      for (size_t c = 0; c < vocabulary; c++) mean += row[c] - shift;
      mean /= (float)vocabulary;
    }
    if (gradient) {
      for (size_t c = 0; c < vocabulary; c++) {
        float e = exp_of(row[c] - shift);
        row[c] = e;
        total += e;
      }
      float f = factor / total;
      for (size_t c = 0; c < vocabulary; c++) row[c] = row[c] * f - share;
      row[target] -= factor * (1.f - smoothing);
      if (narrow) to_bf16(vocabulary, row, narrow + r * vocabulary);
    } else {
      for (size_t c = 0; c < vocabulary; c++) total += exp_of(row[c] - shift);
    }
    loss += (double)shift + log((double)total) - (double)chosen;
    if (smoothing > 0)
      loss += (double)smoothing * ((double)chosen - (double)shift - (double)mean);
  }
  return loss;
}
