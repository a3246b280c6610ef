// Exact attention without the score matrix (Dao et al. 2022): blocks of queries against blocks of
// keys, products on the calling thread, online softmax; backward recomputes from log-sum-exp.
#include <math.h>
#include <string.h>

#include "kernels/table.h"

// 64 x 256 scores are 64 KiB: with their keys, values and output they stay in L2.
enum { query_block = 64, key_block = 256 };

typedef struct {
  const vd_attention_shape *s;
  const vd_kernels *k;
  const float *dy, *q, *keys, *v, *y_in, *lse_in;
  float *y, *lse, *dq, *dk, *dv;
  size_t query_blocks;
} attention_pass;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// Columns of a key block that each row of a query block sees.
static size_t visible_columns(const vd_attention_shape *s, size_t query, size_t rows, size_t key,
                              size_t columns, size_t *visible) {
  size_t most = 0;
  for (size_t r = 0; r < rows; r++) {
    size_t end = s->causal ? query + r + 1 + s->keys : s->keys + s->queries;
    end = end > s->queries ? end - s->queries : 0;
    if (end > s->keys) end = s->keys;
    visible[r] = end <= key ? 0 : smaller(end - key, columns);
    if (visible[r] > most) most = visible[r];
  }
  return most;
}

// Scores of a block, its output, and maximum and total of each row.
static size_t forward_scratch(size_t D) {
  return (query_block * key_block + query_block * (D + 2)) * sizeof(float);
}

// Probabilities and their gradients of a block, and a number for each query.
static size_t backward_scratch(size_t queries) {
  return (2 * query_block * key_block + queries) * sizeof(float);
}

size_t vd_attention_scratch(size_t queries, size_t head_width) {
  size_t forward = forward_scratch(head_width), backward = backward_scratch(queries);
  return forward > backward ? forward : backward;
}

static void forward_task(void *context, size_t index) {
  attention_pass *p = context;
  const vd_attention_shape *s = p->s;
  size_t D = s->head_width, block = index % p->query_blocks, head = index / p->query_blocks;
  size_t b = head / s->heads, h = head % s->heads, kh = h / (s->heads / s->key_heads);
  size_t ldq = s->heads * D, ldk = s->key_heads * D;
  size_t start = block * query_block, rows = smaller(query_block, s->queries - start);
  const float *q = p->q + (b * s->queries + start) * ldq + h * D;
  const float *keys = p->keys + b * s->key_capacity * ldk + kh * D;
  const float *values = p->v + b * s->key_capacity * ldk + kh * D;
  float *scores = vd_scratch(0, forward_scratch(D));
  float *output = scores + query_block * key_block;
  float *maximum = output + query_block * D, *total = maximum + query_block;
  size_t visible[query_block];
  for (size_t r = 0; r < rows; r++) {
    maximum[r] = -INFINITY;
    total[r] = 0;
  }
  memset(output, 0, rows * D * sizeof(float));
  for (size_t key = 0; key < s->keys; key += key_block) {
    size_t columns = smaller(key_block, s->keys - key);
    columns = visible_columns(s, start, rows, key, columns, visible);
    if (columns == 0) break;
    vd_gemm_tile_f32(false, true, rows, columns, D, s->scale, q, ldq, keys + key * ldk, ldk, 0,
                     scores, key_block);
    p->k->softmax_block(rows, columns, visible, scores, key_block, maximum, total, output, D);
    vd_gemm_tile_f32(false, false, rows, D, columns, 1, scores, key_block, values + key * ldk, ldk,
                     1, output, D);
  }
  float *lse = p->lse ? p->lse + (b * s->heads + h) * s->queries + start : NULL;
  p->k->softmax_finish(rows, D, maximum, total, output,
                       p->y + (b * s->queries + start) * ldq + h * D, ldq, lse);
}

void vd_attention(const vd_attention_shape *shape, const float *q, const float *k, const float *v,
                  float *y, float *lse) {
  attention_pass p = {.s = shape, .k = vd_table(), .q = q, .keys = k, .v = v, .y = y, .lse = lse,
                      .query_blocks = (shape->queries + query_block - 1) / query_block};
  vd_parallel(shape->batch * shape->heads * p.query_blocks, forward_task, &p);
}

static void clear(float *x, size_t rows, size_t columns, size_t ld) {
  for (size_t r = 0; r < rows; r++) memset(x + r * ld, 0, columns * sizeof(float));
}

// One query head: dQ of that head, and its share of dK and dV of the key head.
static void head_backward(attention_pass *p, size_t b, size_t h, size_t kh) {
  const vd_attention_shape *s = p->s;
  size_t D = s->head_width, ldq = s->heads * D, ldk = s->key_heads * D;
  size_t at = b * s->queries * ldq + h * D, key_at = b * s->key_capacity * ldk + kh * D;
  const float *lse = p->lse_in + (b * s->heads + h) * s->queries;
  float *probability = vd_scratch(0, backward_scratch(s->queries));
  float *gradient = probability + query_block * key_block;
  float *delta = gradient + query_block * key_block;
  size_t visible[query_block];
  p->k->row_dot(s->queries, D, p->dy + at, p->y_in + at, ldq, delta);
  clear(p->dq + at, s->queries, D, ldq);
  for (size_t key = 0; key < s->keys; key += key_block) {
    size_t block = smaller(key_block, s->keys - key);
    const float *keys = p->keys + key_at + key * ldk, *values = p->v + key_at + key * ldk;
    float *dk = p->dk + key_at + key * ldk, *dv = p->dv + key_at + key * ldk;
    for (size_t query = 0; query < s->queries; query += query_block) {
      size_t rows = smaller(query_block, s->queries - query), offset = at + query * ldq;
      size_t columns = visible_columns(s, query, rows, key, block, visible);
      if (columns == 0) continue;
      vd_gemm_tile_f32(false, true, rows, columns, D, s->scale, p->q + offset, ldq, keys, ldk, 0,
                       probability, key_block);
      p->k->probabilities(rows, columns, visible, lse + query, probability, key_block);
      vd_gemm_tile_f32(true, false, columns, D, rows, 1, probability, key_block, p->dy + offset,
                       ldq, 1, dv, ldk);
      vd_gemm_tile_f32(false, true, rows, columns, D, 1, p->dy + offset, ldq, values, ldk, 0,
                       gradient, key_block);
      p->k->score_gradient(rows, columns, delta + query, s->scale, probability, gradient,
                           key_block);
      vd_gemm_tile_f32(false, false, rows, D, columns, 1, gradient, key_block, keys, ldk, 1,
                       p->dq + offset, ldq);
      vd_gemm_tile_f32(true, false, columns, D, rows, 1, gradient, key_block, p->q + offset, ldq,
                       1, dk, ldk);
    }
  }
}

static void backward_task(void *context, size_t index) {
  attention_pass *p = context;
  const vd_attention_shape *s = p->s;
  size_t b = index / s->key_heads, kh = index % s->key_heads, group = s->heads / s->key_heads;
  size_t D = s->head_width, ldk = s->key_heads * D, at = b * s->key_capacity * ldk + kh * D;
  clear(p->dk + at, s->keys, D, ldk);
  clear(p->dv + at, s->keys, D, ldk);
  for (size_t h = kh * group; h < (kh + 1) * group; h++) head_backward(p, b, h, kh);
}

void vd_attention_backward(const vd_attention_shape *shape, const float *dy, const float *q,
                           const float *k, const float *v, const float *y, const float *lse,
                           float *dq, float *dk, float *dv) {
  attention_pass p = {.s = shape, .k = vd_table(), .dy = dy, .q = q, .keys = k, .v = v,
                      .y_in = y, .lse_in = lse, .dq = dq, .dk = dk, .dv = dv};
  vd_parallel(shape->batch * shape->key_heads, backward_task, &p);
}
