// Functions of one value without branches, so that loops over them become vector code.
#define VD_SUMS _Pragma("clang fp reassociate(on)")

typedef float vector __attribute__((vector_size(VD_WIDTH * 4), aligned(4)));
typedef int32_t vector_mask __attribute__((vector_size(VD_WIDTH * 4)));

// The library's root sets errno, which keeps a loop from becoming vector code.
static inline float root_of(float x) { return __builtin_elementwise_sqrt(x); }

static inline float from_bits(uint32_t u) {
  float f;
  memcpy(&f, &u, 4);
  return f;
}

static inline uint32_t to_bits(float f) {
  uint32_t u;
  memcpy(&u, &f, 4);
  return u;
}

// e^r for |r| <= ln 2 / 2: the polynomial of Cephes' expf.
static inline float exp_near_zero(float r) {
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * r * r + r + 1.f;
}

// Cody-Waite reduction and a polynomial of degree 6: about 1 ulp; 0 below -87.3, infinity above 88.7.
static inline float exp_of(float x) {
  float clamped = x > 88.7228f ? 88.7228f : (x < -87.33654f ? -87.33654f : x);
  float shifted = clamped * 1.44269504f + 12582912.f;
  float n = shifted - 12582912.f;
  float r = clamped - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = exp_near_zero(r);
  // 2^n in two factors, since 2^128 is not a float.
  int32_t e = (int32_t)(to_bits(shifted) - 0x4B400000u);
  int32_t half = e >> 1;
  float y = p * from_bits((uint32_t)(half + 127) << 23) *
            from_bits((uint32_t)(e - half + 127) << 23);
  y = x < -87.33654f ? 0.f : y;
  y = x > 88.7228f ? INFINITY : y;
  return x != x ? x : y;
}

static inline float log_of(float x) {
  uint32_t bits = to_bits(x);
  int32_t tiny = x < 1.17549435e-38f;
  float scaled = tiny ? x * 8388608.f : x;
  bits = to_bits(scaled);
  int32_t e = (int32_t)(bits >> 23) - 126 - (tiny ? 23 : 0);
  float m = from_bits((bits & 0x007FFFFFu) | 0x3F000000u);
  int32_t low = m < 0.707106781f;
  float n = (float)(e - (low ? 1 : 0));
  float f = (low ? m + m : m) - 1.f;
  float z = f * f;
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  float y = f * z * p + n * -2.12194440e-4f - 0.5f * z;
  y = f + y + n * 0.693359375f;
  y = x == 0.f ? -INFINITY : y;
  y = x == INFINITY ? INFINITY : y;
  return x < 0.f || x != x ? NAN : y;
}

static inline float tanh_of(float x) {
  float z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  float small = x + x * z * p;
  float magnitude = fabsf(x);
  float large = 1.f - 2.f / (exp_of(magnitude + magnitude) + 1.f);
  large = x < 0.f ? -large : large;
  return magnitude < 0.625f ? small : (x != x ? x : large);
}

// As exp_of, without its ends: beyond 87 the sum with 1 hides the exponential, below -87 it is 0.
static inline float sigmoid_of(float x) {
  float c = x > 87.f ? 87.f : x;
  c = c < -87.f ? -87.f : c;
  float shifted = c * -1.44269504f + 12582912.f, n = shifted - 12582912.f;
  float r = -c - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = exp_near_zero(r);
  float y = 1.f / (1.f + p * from_bits((to_bits(shifted) << 23) + 0x3F800000u));
  return x < -87.f ? 0.f : y;
}

// GELU in its tanh form (Hendrycks and Gimpel 2016): x/2 (1 + tanh u) = x sigmoid(2u).
static inline float gelu_of(float x) {
  return x * sigmoid_of(1.59576912f * (x + 0.044715f * x * x * x));
}

// Beyond 64 the slope is 0 or 1; without the limit x^2 overflows and 0 times infinity is NaN.
static inline float gelu_slope(float x) {
  x = x > 64.f ? 64.f : x;
  x = x < -64.f ? -64.f : x;
  float z = x * x;
  float s = sigmoid_of(1.59576912f * (x + 0.044715f * x * z));
  return s + x * s * (1.f - s) * 1.59576912f * (1.f + 0.134145f * z);
}

// exp(-x^2 / 2). The square is split where 12 bits end, so that its rounding, which the exponential
// would enlarge up to 88 times, is put right.
static inline float bell_of(float x) {
  float high = from_bits(to_bits(x) & 0xFFFFF000u);
  float half = 0.5f * x * x;
  float error = (0.5f * high * high - half) + 0.5f * (x - high) * (x + high);
  return exp_of(-half) * (1.f - error);
}

// The normal distribution below -a for a >= 0: exp(-a^2 / 2) t P(t) with t = 1 / (1 + 0.35 a), as
// Abramowitz and Stegun 7.1.26 with a polynomial of least squares of relative errors: 4e-8 up to 13.5.
static inline float normal_tail_of(float a, float bell) {
  float t = 1.f / (1.f + 0.35f * a);
  float p = -2.9560996220e-02f;
  p = p * t + 1.4593276381e-01f;
  p = p * t - 2.5962910056e-01f;
  p = p * t + 1.6347001493e-01f;
  p = p * t - 2.5931652635e-02f;
  p = p * t + 1.0663895309e-01f;
  p = p * t + 1.1956404895e-01f;
  p = p * t + 1.3989636302e-01f;
  p = p * t + 1.3961957395e-01f;
  return bell * (t * p);
}

// GELU as defined, x times the normal distribution below x (Hendrycks and Gimpel 2016). Beyond 14
// that is 0 or 1.
static inline float gelu_exact_of(float x) {
  float c = x > 14.f ? 14.f : x;
  c = c < -14.f ? -14.f : c;
  float tail = normal_tail_of(fabsf(c), bell_of(c));
  float y = x * (c < 0.f ? tail : 1.f - tail);
  return x < -14.f ? -0.f : y;
}

static inline float gelu_exact_slope(float x) {
  float c = x > 14.f ? 14.f : x;
  c = c < -14.f ? -14.f : c;
  float bell = bell_of(c), tail = normal_tail_of(fabsf(c), bell);
  return (c < 0.f ? tail : 1.f - tail) + 0.39894228f * c * bell;
}

static inline float tanh_slope(float x) {
  float y = tanh_of(x);
  return 1.f - y * y;
}

static inline float silu_of(float x) { return x * sigmoid_of(x); }

static inline float silu_slope(float x) {
  float s = sigmoid_of(x);
  return s + x * s * (1.f - s);
}
