// Philox-4x32-10 (Salmon et al. 2011) over counters first ... first + 15, one lane each.
static inline void philox_lanes(uint64_t key, uint64_t first, uint32_t words[4][16]) {
  uint32_t c0[16], c1[16], c2[16], c3[16];
  for (int l = 0; l < 16; l++) {
    uint64_t counter = first + (uint64_t)l;
    c0[l] = (uint32_t)counter;
    c1[l] = (uint32_t)(counter >> 32);
    c2[l] = 0;
    c3[l] = 0;
  }
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    for (int l = 0; l < 16; l++) {
      uint64_t p0 = (uint64_t)0xD2511F53u * c0[l], p1 = (uint64_t)0xCD9E8D57u * c2[l];
      uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1[l] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3[l] ^ k1;
      c1[l] = (uint32_t)p1;
      c3[l] = (uint32_t)p0;
      c0[l] = n0;
      c2[l] = n2;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  memcpy(words[0], c0, sizeof c0);
  memcpy(words[1], c1, sizeof c1);
  memcpy(words[2], c2, sizeof c2);
  memcpy(words[3], c3, sizeof c3);
}

// Element i takes word i / 16 % 4, lane i % 16 of the 16 counters that begin at
// first_counter + i / 64 * 16: the same bits for every instruction set and split.
static void dropout(uint64_t key, uint64_t first_counter, float rate, size_t n, const float *x,
                    float *y) {
  uint32_t limit = (uint32_t)((double)rate * 4294967296.0);
  float kept = 1.f / (1.f - rate);
  uint32_t words[4][16];
  for (size_t start = 0; start < n; start += 64) {
    philox_lanes(key, first_counter + start / 4, words);
    const uint32_t *w = &words[0][0];
    size_t count = n - start < 64 ? n - start : 64;
    for (size_t i = 0; i < count; i++) y[start + i] = w[i] >= limit ? x[start + i] * kept : 0.f;
  }
}
