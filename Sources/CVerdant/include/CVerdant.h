// The only public header of the kernels: plain C, every symbol `vd_*`.
// Sizes: B batch, T length, H heads, D head width, V vocabulary, R rows, C columns.
// Every matrix is dense and row-major; `ld*` is the distance between rows in elements.
#ifndef CVERDANT_H
#define CVERDANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VD_NONNULL _Nonnull
#define VD_NULLABLE _Nullable

/// Forms of numbers that kernels read and write.
typedef enum { VD_F32, VD_BF16 } vd_type;

// ---- Memory ----

/// 64-byte aligned memory from the system, in whole pages for large blocks; NULL when there is none.
void *VD_NULLABLE vd_allocate(size_t bytes);
/// Returns a block of `vd_allocate` to the system.
void vd_free(void *VD_NULLABLE block, size_t bytes);
/// Blocks taken from the system since the process started.
uint64_t vd_blocks_taken(void);
/// Fills `bytes` with quiet NaNs (tests run kernels on such buffers).
void vd_poison(void *VD_NONNULL block, size_t bytes);
/// Peak resident memory of the process, in bytes; 0 where the system does not tell.
uint64_t vd_peak_resident_bytes(void);
/// Resident memory of the process now, in bytes; 0 where the system does not tell.
uint64_t vd_resident_bytes(void);

// ---- Threads ----

typedef void (*vd_task)(void *VD_NULLABLE context, size_t index);

/// Threads that work on one product or pass, the caller included.
int vd_thread_count(void);
/// Sets the thread count, 1 to the number of cores; takes effect at the next call.
void vd_set_thread_count(int count);
/// Cores this process may run on.
int vd_core_count(void);
/// Runs `task(context, i)` for every i in 0..<count, and returns when all are done.
/// A call from inside a task runs on that task's thread.
void vd_parallel(size_t count, vd_task VD_NONNULL task, void *VD_NULLABLE context);

// ---- Instruction sets ----

/// Instruction sets compiled in and runnable here, worst first.
int vd_isa_count(void);
const char *VD_NONNULL vd_isa_name(int index);
/// Name of the instruction set in use.
const char *VD_NONNULL vd_isa_selected(void);
/// Uses the named instruction set from now on; false if this machine does not have it.
bool vd_isa_select(const char *VD_NONNULL name);
/// True when VERDANT_ISA named an instruction set that this machine does not have.
bool vd_isa_request_failed(void);

// ---- Matrix products ----

/// "oneDNN 2.6.3" or "built-in".
const char *VD_NONNULL vd_gemm_provider(void);
/// True when a library, not the built-in kernel, does the products.
bool vd_gemm_has_library(void);
/// Chooses between the library (true) and the built-in kernel (false).
void vd_gemm_use_library(bool use);

/// C [M,N] = alpha * op(A) op(B) + beta * C, on all threads. beta = 0 never reads C.
void vd_gemm_f32(bool transposeA, bool transposeB, size_t M, size_t N, size_t K, float alpha,
                 const float *VD_NONNULL A, size_t lda, const float *VD_NONNULL B, size_t ldb,
                 float beta, float *VD_NONNULL C, size_t ldc);
/// The same on the calling thread alone.
void vd_gemm_tile_f32(bool transposeA, bool transposeB, size_t M, size_t N, size_t K, float alpha,
                      const float *VD_NONNULL A, size_t lda, const float *VD_NONNULL B, size_t ldb,
                      float beta, float *VD_NONNULL C, size_t ldc);
/// C [M,N] of `type` = op(A) op(B), plus C when it accumulates (f32 only), with bf16 A and B and
/// f32 sums; widened to f32 where the machine has no bf16 instructions.
void vd_gemm_bf16(bool transposeA, bool transposeB, size_t M, size_t N, size_t K,
                  const uint16_t *VD_NONNULL A, size_t lda, const uint16_t *VD_NONNULL B,
                  size_t ldb, bool accumulates, vd_type type, void *VD_NONNULL C, size_t ldc);
/// True when bf16 products run on this machine's own instructions.
bool vd_gemm_has_bf16(void);

typedef enum {
  VD_ACT_NONE, VD_ACT_GELU, VD_ACT_RELU, VD_ACT_SILU, VD_ACT_GELU_EXACT, VD_ACT_TANH
} vd_activation;

typedef struct {
  size_t rows, width, columns;
  vd_type type;               // of x and weight
  vd_type result;             // of y and before
  const void *VD_NONNULL x;       // [rows, width]
  const void *VD_NONNULL weight;  // [columns, width]
  const float *VD_NULLABLE bias;  // [columns]
  const float *VD_NULLABLE residual;  // [rows, columns]; with an f32 result, without activation
  vd_activation activation;
  void *VD_NULLABLE before;   // receives the values before the activation
  void *VD_NONNULL y;         // [rows, columns]
} vd_affine_call;

/// y = activation(x W^T + bias) + residual, each tile finished while it is in the caches.
void vd_affine(const vd_affine_call *VD_NONNULL call);

// ---- Elementwise, on all threads ----

typedef enum {
  VD_NEGATE, VD_EXP, VD_LOG, VD_SQRT, VD_RECIPROCAL, VD_TANH, VD_STEP, VD_COPY
} vd_unary_op;
typedef enum { VD_ADD, VD_SUBTRACT, VD_MULTIPLY, VD_DIVIDE, VD_MAXIMUM, VD_EQUAL } vd_binary_op;
typedef enum { VD_SUM, VD_MAX } vd_reduction;

/// y[i] = op(x[i]).
void vd_unary(vd_unary_op op, size_t n, const float *VD_NONNULL x, float *VD_NONNULL y);
/// y [R,C] = op(a, b); a step of 0 repeats that operand along rows or columns.
void vd_binary(vd_binary_op op, size_t rows, size_t columns, const float *VD_NONNULL a,
               size_t a_row, size_t a_column, const float *VD_NONNULL b, size_t b_row,
               size_t b_column, float *VD_NONNULL y);
/// y [outer,inner] = op over the middle axis of x [outer,middle,inner].
void vd_reduce(vd_reduction op, size_t outer, size_t middle, size_t inner,
               const float *VD_NONNULL x, float *VD_NONNULL y);
/// y += x.
void vd_accumulate(vd_type type, size_t n, const void *VD_NONNULL x, void *VD_NONNULL y);
/// x *= factor.
void vd_scale(size_t n, float factor, float *VD_NONNULL x);
void vd_fill(size_t n, float value, float *VD_NONNULL y);
/// Sum of squares of x, in blocks of fixed size added in order, in f64.
double vd_sum_of_squares(size_t n, const float *VD_NONNULL x);
void vd_f32_to_bf16(size_t n, const float *VD_NONNULL x, uint16_t *VD_NONNULL y);
void vd_bf16_to_f32(size_t n, const uint16_t *VD_NONNULL x, float *VD_NONNULL y);

/// y = activation(x) by element.
void vd_activate(vd_activation activation, vd_type type, size_t n, const void *VD_NONNULL x,
                 void *VD_NONNULL y);
/// dz = dy * activation'(z).
void vd_activation_backward(vd_activation activation, vd_type type, size_t n,
                            const void *VD_NONNULL dy, const void *VD_NONNULL z,
                            void *VD_NONNULL dz);
/// y = activation(gate) * up by element.
void vd_gated_unit(vd_activation activation, vd_type type, size_t n, const void *VD_NONNULL gate,
                   const void *VD_NONNULL up, void *VD_NONNULL y);
/// Gradients of gate and up.
void vd_gated_unit_backward(vd_activation activation, vd_type type, size_t n,
                            const void *VD_NONNULL dy, const void *VD_NONNULL gate,
                            const void *VD_NONNULL up, void *VD_NONNULL dgate,
                            void *VD_NONNULL dup);
/// y [C] = sum over the rows of x [R,C].
void vd_column_sum(size_t rows, size_t columns, vd_type type, const void *VD_NONNULL x,
                   float *VD_NONNULL y);

// ---- Rows ----

/// y [count,C] = table[indices], any index below `table_rows`.
void vd_gather_rows(size_t count, size_t columns, const float *VD_NONNULL table,
                    const int32_t *VD_NONNULL indices, float *VD_NONNULL y);
/// table [V,C] += rows by index, in the order of the rows.
void vd_scatter_add_rows(size_t count, size_t columns, const float *VD_NONNULL rows,
                         const int32_t *VD_NONNULL indices, float *VD_NONNULL table);
/// Copies with axes rearranged: `shape` and `strides` describe the result, in elements of x.
void vd_permute(size_t rank, const size_t *VD_NONNULL shape, const size_t *VD_NONNULL strides,
                const float *VD_NONNULL x, float *VD_NONNULL y);

// ---- Norms ----

/// y = (x - mean) * rstd * scale + bias by row; statistics [R,2] hold mean and rstd, which are
/// computed unless `known`.
void vd_layer_norm(size_t rows, size_t columns, float epsilon, const float *VD_NONNULL x,
                   const float *VD_NONNULL scale, const float *VD_NULLABLE bias, vd_type type,
                   void *VD_NONNULL y, float *VD_NONNULL statistics, bool known);
/// Gradients of x, scale and bias from dy of `type`; `dbias` may be NULL.
void vd_layer_norm_backward(size_t rows, size_t columns, vd_type type, const void *VD_NONNULL dy,
                            const float *VD_NONNULL x, const float *VD_NONNULL scale,
                            const float *VD_NONNULL statistics, float *VD_NONNULL dx,
                            float *VD_NONNULL dscale, float *VD_NULLABLE dbias);
/// y = x * rstd * scale by row; statistics [R] hold rstd, which is computed unless `known`.
void vd_rms_norm(size_t rows, size_t columns, float epsilon, const float *VD_NONNULL x,
                 const float *VD_NONNULL scale, vd_type type, void *VD_NONNULL y,
                 float *VD_NONNULL statistics, bool known);
/// Gradients of x and scale from dy of `type`.
void vd_rms_norm_backward(size_t rows, size_t columns, vd_type type, const void *VD_NONNULL dy,
                          const float *VD_NONNULL x, const float *VD_NONNULL scale,
                          const float *VD_NONNULL statistics, float *VD_NONNULL dx,
                          float *VD_NONNULL dscale);

// ---- Rotary positions ----

typedef struct {
  size_t batch, length, heads;
  size_t head_width;  // even
  size_t start;       // position of the first token
  double base;        // pair i turns by position * base^(-2 i / head_width)
  const double *VD_NULLABLE frequencies;  // [head_width / 2]: pair i turns by position times this
  bool backward;      // turns back
  vd_type type;
} vd_rotary_shape;

/// y = x [B,T,H*D] with the pairs (i, i + D/2) of each head turned by their positions' angles.
void vd_rotary(const vd_rotary_shape *VD_NONNULL shape, const void *VD_NONNULL x,
               void *VD_NONNULL y);

// ---- Attention ----

typedef struct {
  size_t batch, heads, key_heads, head_width;
  size_t queries, keys;      // lengths
  size_t key_capacity;       // rows between two batch entries of keys and values
  bool causal;               // query i sees keys 0 ... i + keys - queries
  size_t window;             // keys as far away are not seen; 0 for no limit
  const int32_t *VD_NULLABLE lengths;  // [B]: keys and queries beyond do not exist; keys = queries
  bool lengths_of_keys;      // all queries exist and may be any number; not causal
  // [H, queries + keys - 1]: the scaled score of query i and key j gets number j - i + queries - 1.
  const float *VD_NULLABLE bias;
  float scale;               // above 0
  vd_type type;              // of every tensor but the bias and the log-sum-exp
} vd_attention_shape;

/// y [B,queries,H*D] and the log-sum-exp of each row [B,H,queries] (NULL when not needed).
void vd_attention(const vd_attention_shape *VD_NONNULL shape, const void *VD_NONNULL q,
                  const void *VD_NONNULL k, const void *VD_NONNULL v, void *VD_NONNULL y,
                  float *VD_NULLABLE lse);
/// Gradients; that of the bias [B, H, queries + keys - 1] by batch entry, NULL when not needed.
void vd_attention_backward(const vd_attention_shape *VD_NONNULL shape,
                           const void *VD_NONNULL dy, const void *VD_NONNULL q,
                           const void *VD_NONNULL k, const void *VD_NONNULL v,
                           const void *VD_NONNULL y, const float *VD_NONNULL lse,
                           void *VD_NONNULL dq, void *VD_NONNULL dk, void *VD_NONNULL dv,
                           float *VD_NULLABLE dbias);

/// Bytes that a thread takes for the blocks of attention while it runs; `rows` are the queries of
/// all heads that read one key head.
size_t vd_attention_scratch(size_t rows, size_t head_width);

// ---- Loss ----

/// Mean cross-entropy of x [R,C] W^T [C,V] against targets (negative: ignored), in chunks of rows;
/// x, w and dx of `type`; a share `smoothing` of each target is spread over the vocabulary. With dx
/// and dw the gradients of the mean are written as well. Returns the mean, 0 without targets.
double vd_linear_cross_entropy(size_t rows, size_t columns, size_t vocabulary, vd_type type,
                               const void *VD_NONNULL x, const void *VD_NONNULL w,
                               const int32_t *VD_NONNULL targets, float smoothing,
                               void *VD_NULLABLE dx, float *VD_NULLABLE dw);
/// Bytes that the logits of a chunk and their gradients take while it runs.
size_t vd_linear_cross_entropy_scratch(size_t rows, size_t vocabulary, vd_type type);

// ---- Optimizer ----

typedef struct {
  float rate, beta1, beta2, epsilon, decay;
  float correction1, correction2;  // 1 - beta^t
  float gradient_scale;            // clipping factor
} vd_adamw_settings;

/// Decoupled AdamW in one pass over weights, gradients and both moments.
void vd_adamw(const vd_adamw_settings *VD_NONNULL settings, size_t n, float *VD_NONNULL weights,
              const float *VD_NONNULL gradients, float *VD_NONNULL first,
              float *VD_NONNULL second);

/// LAMB in one pass: the moments, and into `update` the direction of Adam with bias correction plus
/// decay * weights. `squares` receives the sums of squares of weights and update. The rate is not
/// read: it is known what to multiply by only after the pass.
void vd_lamb(const vd_adamw_settings *VD_NONNULL settings, size_t n,
             const float *VD_NONNULL weights, const float *VD_NONNULL gradients,
             float *VD_NONNULL first, float *VD_NONNULL second, float *VD_NONNULL update,
             double *VD_NONNULL squares);

typedef struct {
  float rate, momentum;
  float penalty;         // decay added to the gradient
  float decay;           // decoupled decay, multiplied by the rate
  float gradient_scale;  // clipping factor
  bool nesterov;
} vd_sgd_settings;

/// SGD in one pass; without a velocity there is no momentum.
void vd_sgd(const vd_sgd_settings *VD_NONNULL settings, size_t n, float *VD_NONNULL weights,
            const float *VD_NONNULL gradients, float *VD_NULLABLE velocity);

/// average = momentum * average + (1 - momentum) * scale * gradients, and into `update` the average,
/// or with `nesterov` the average one step ahead.
void vd_average(float momentum, bool nesterov, float scale, size_t n,
                const float *VD_NONNULL gradients, float *VD_NONNULL average,
                float *VD_NONNULL update);

/// weights = keep * weights - rate * update
void vd_step(float keep, float rate, size_t n, const float *VD_NONNULL update,
             float *VD_NONNULL weights);

// ---- Random numbers: Philox-4x32-10, counter-based ----

/// Four words of the stream `key` at `counter`.
void vd_philox(uint64_t key, uint64_t counter, uint32_t *VD_NONNULL words);
/// Uniform in [low, high).
void vd_random_uniform(uint64_t key, size_t n, float low, float high, float *VD_NONNULL y);
/// Normal by Box-Muller.
void vd_random_normal(uint64_t key, size_t n, float mean, float deviation, float *VD_NONNULL y);
/// y = x / (1 - rate) where the stream keeps the element, else 0.
void vd_dropout(uint64_t key, float rate, size_t n, const float *VD_NONNULL x,
                float *VD_NONNULL y);

// ---- Factorization ----

/// Thin singular value decomposition of a [M,N] (overwritten), k = min(M, N): rows of left [k,M]
/// and right [k,N] are the singular vectors, values [k] fall. The largest entry of each left
/// vector is positive. By LAPACK when one is installed (loaded at the first call) unless
/// `use_library` is false, else by one-sided Jacobi rotations. False without memory.
bool vd_svd(bool use_library, size_t M, size_t N, double *VD_NONNULL a, double *VD_NONNULL left,
            double *VD_NONNULL values, double *VD_NONNULL right);
/// True when a LAPACK was found.
bool vd_has_lapack(void);

// ---- Machine ----

/// Sums `bytes` of memory on all threads (read-only bandwidth).
double vd_read_sum(size_t bytes, const void *VD_NONNULL block);
/// CPU name as the system gives it; empty where it does not.
void vd_cpu_name(char *VD_NONNULL buffer, size_t capacity);

// ---- Hashes ----

typedef struct {
  uint32_t state[8];
  uint64_t length;  // bytes so far
  uint8_t rest[64];
  bool native;      // by instructions of the processor
} vd_sha256;

/// Begins a SHA-256 (FIPS 180-4); `portable` leaves the processor's own instructions aside.
void vd_sha256_start(vd_sha256 *VD_NONNULL hash, bool portable);
void vd_sha256_add(vd_sha256 *VD_NONNULL hash, const void *VD_NULLABLE bytes, size_t count);
void vd_sha256_finish(vd_sha256 *VD_NONNULL hash, uint8_t *VD_NONNULL digest);

#ifdef __cplusplus
}
#endif
#endif
