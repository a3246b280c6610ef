// Kernels compute in f32; numbers of another form pass through a buffer that stays in L1.
enum { span = 512 };

static void to_bf16(size_t n, const float *x, uint16_t *y);
static void from_bf16(size_t n, const uint16_t *x, float *y);

static inline size_t bytes_of(vd_type type) { return type == VD_BF16 ? 2 : 4; }

static inline void *address(vd_type type, const void *x, size_t at) {
  return (char *)(uintptr_t)x + at * bytes_of(type);
}

// The n <= span numbers from x[at] on, in place or widened into the buffer.
static inline const float *read_span(vd_type type, size_t n, const void *x, size_t at,
                                     float *buffer) {
  if (type == VD_F32) return (const float *)x + at;
  from_bf16(n, (const uint16_t *)x + at, buffer);
  return buffer;
}

// Where to write the n numbers that go to y[at]; followed by write_span.
static inline float *span_of(vd_type type, void *y, size_t at, float *buffer) {
  return type == VD_F32 ? (float *)y + at : buffer;
}

static inline void write_span(vd_type type, size_t n, const float *buffer, void *y, size_t at) {
  if (type == VD_BF16) to_bf16(n, buffer, (uint16_t *)y + at);
}
