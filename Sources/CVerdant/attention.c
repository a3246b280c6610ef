// Exact attention without the score matrix (Dao et al. 2022): blocks of queries against blocks of
// keys, online softmax to the base 2; backward recomputes from log-sum-exp.
#include <math.h>
#include <string.h>

#include "kernels/table.h"

// 128 x 64 scores are 32 KiB; with their keys, values and output they stay in L2. A block that the
// diagonal crosses is computed in strips of queries, each as far as its last query sees.
enum { query_block = 64, key_block = 128, strip = 32, padding = 16 };

static const float log2_of_e = 1.4426950408889634f, log_of_2 = 0.6931471805599453f;

typedef struct {
  const vd_attention_shape *s;
  const vd_kernels *k;
  const void *dy, *q, *keys, *v, *y_in;
  const float *lse_in;
  void *y, *dq, *dk, *dv;
  float *lse, *dbias;
  size_t query_blocks, width;  // width of a head, padded
} attention_pass;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static size_t padded(size_t n) { return (n + padding - 1) / padding * padding; }

static void *element(const vd_attention_shape *s, const void *x, size_t at) {
  return (char *)(uintptr_t)x + at * (s->type == VD_BF16 ? 2 : 4);
}

static size_t difference(size_t a, size_t b) { return a > b ? a - b : 0; }

// The keys of a batch entry that exist.
static size_t existing_keys(const vd_attention_shape *s, size_t b) {
  return s->lengths ? smaller((size_t)s->lengths[b], s->keys) : s->keys;
}

static bool limits_queries(const vd_attention_shape *s) {
  return s->lengths && !s->lengths_of_keys;
}

static size_t existing_queries(const vd_attention_shape *s, size_t b) {
  return limits_queries(s) ? smaller((size_t)s->lengths[b], s->queries) : s->queries;
}

// The keys that a query sees of those that exist: `first` up to before `end`.
static void seen_by(const vd_attention_shape *s, size_t exist, size_t query, size_t *first,
                    size_t *end) {
  size_t place = query + s->keys;  // The query's own key is at place - queries.
  size_t last = s->causal ? place + 1 : s->window ? place + s->window : exist + s->queries;
  *end = smaller(difference(last, s->queries), exist);
  if (limits_queries(s) && query >= exist) *end = 0;
  *first = s->window ? smaller(difference(place + 1, s->queries + s->window), *end) : 0;
}

// The queries that see one of `count` keys.
static void seeing(const vd_attention_shape *s, size_t key, size_t count, size_t queries,
                   size_t *first, size_t *end) {
  size_t reach = s->causal ? 1 : s->window;
  *first = reach ? difference(key + s->queries + 1, s->keys + reach) : 0;
  *end = queries;
  if (s->window)
    *end = smaller(difference(key + count - 1 + s->window + s->queries, s->keys), queries);
}

// Keys of a block that each query of a block sees, from `first` up to before `visible`; false, and
// neither is written, when all see all. Later queries see later keys, but for those that do not exist.
static bool visible_keys(const vd_attention_shape *s, size_t exist, size_t query, size_t rows,
                         size_t key, size_t count, int32_t *first, int32_t *visible) {
  size_t from, end, last_from, last_end;
  seen_by(s, exist, query, &from, &end);
  seen_by(s, exist, query + rows - 1, &last_from, &last_end);
  if (last_from <= key && end >= key + count && last_end >= key + count) return false;
  for (size_t r = 0; r < rows; r++) {
    seen_by(s, exist, query + r, &from, &end);
    first[r] = (int32_t)smaller(difference(from, key), count);
    visible[r] = (int32_t)smaller(difference(end, key), count);
  }
  return true;
}

// The keys of a block that some of n queries sees: their end, 0 for none, and in `from` a multiple of
// the padding; what the queries see is counted from there afterwards.
static size_t strip_keys(size_t n, int32_t *first, int32_t *visible, size_t *from) {
  int32_t low = key_block, end = 0;
  for (size_t r = 0; r < n; r++) {
    if (visible[r] <= first[r]) continue;
    low = first[r] < low ? first[r] : low;
    end = visible[r] > end ? visible[r] : end;
  }
  low = end ? low / padding * padding : 0;
  for (size_t r = 0; r < n; r++) {
    first[r] = first[r] > low ? first[r] - low : 0;
    visible[r] = visible[r] > low ? visible[r] - low : 0;
  }
  *from = (size_t)low;
  return (size_t)end;
}

static size_t words(const attention_pass *p, size_t n) {
  return p->s->type == VD_BF16 ? (n + 1) / 2 : n;
}

// A left operand: rows of words. The tensor itself unless its rows end within a word.
static const float *left_operand(const attention_pass *p, const void *x, size_t ld, size_t rows,
                                 float *buffer, size_t *step) {
  const vd_attention_shape *s = p->s;
  if (s->type == VD_F32 || s->head_width % 2 == 0) {
    *step = words(p, ld);
    return x;
  }
  *step = p->width / 2;
  p->k->load_rows(s->type, rows, s->head_width, x, ld, buffer, *step);
  return buffer;
}

// A right operand whose K runs over the rows: pairs of rows, or the tensor itself where its rows of
// f32 can be read as whole vectors.
static const float *right_operand(const attention_pass *p, const void *x, size_t ld, size_t rows,
                                  float *buffer, size_t *step) {
  const vd_attention_shape *s = p->s;
  *step = p->width;
  if (s->type == VD_BF16) {
    p->k->load_pairs(rows, s->head_width, x, ld, buffer, p->width);
    return buffer;
  }
  if (s->head_width % padding == 0) {
    *step = ld;
    return x;
  }
  p->k->load_rows(s->type, rows, s->head_width, x, ld, buffer, p->width);
  return buffer;
}

// Numbers of the bias of one head.
static size_t bias_count(const vd_attention_shape *s) {
  return difference(s->queries + s->keys, 1);
}

// Where the bias of a head has the diagonals of a block of scores: n + count - 1 numbers, the first
// for the last query and the first key. The rows of the block are queries.
static size_t diagonals_at(const vd_attention_shape *s, size_t query, size_t n, size_t key) {
  return key + s->queries - query - n;
}

// A block of scaled scores with their bias: rows are keys, columns queries.
static void add_bias_by_key(const attention_pass *p, size_t h, size_t query, size_t n, size_t key,
                            size_t count, float *scores) {
  const vd_attention_shape *s = p->s;
  const float *bias = s->bias + h * bias_count(s) + diagonals_at(s, query, n, key);
  float diagonals[query_block + key_block] = {0};
  size_t total = n + count - 1;
  for (size_t i = 0; i < total; i++) diagonals[i] = bias[total - 1 - i];
  p->k->add_diagonals(count, padded(n), s->scale, diagonals, scores, query_block);
}

// The same with queries as rows.
static void add_bias_by_query(const attention_pass *p, size_t h, size_t query, size_t n,
                              size_t key, size_t count, float *scores) {
  const vd_attention_shape *s = p->s;
  const float *bias = s->bias + h * bias_count(s) + diagonals_at(s, query, n, key);
  float diagonals[query_block + key_block] = {0};
  memcpy(diagonals, bias, (n + count - 1) * sizeof(float));
  p->k->add_diagonals(n, padded(count), s->scale, diagonals, scores, key_block);
}

static size_t forward_scratch(size_t D, size_t W) {
  return (query_block * (D + W + key_block) + 2 * key_block * W) * sizeof(float);
}

static size_t backward_scratch(size_t rows, size_t W) {
  return (5 * key_block * W + 4 * query_block * W + 3 * query_block * key_block + rows * (W + 2)) *
         sizeof(float);
}

size_t vd_attention_scratch(size_t rows, size_t head_width) {
  size_t W = padded(head_width), forward = forward_scratch(head_width, W);
  size_t backward = backward_scratch(rows, W);
  return forward > backward ? forward : backward;
}

static void forward_task(void *context, size_t index) {
  const attention_pass *p = context;
  const vd_attention_shape *s = p->s;
  size_t D = s->head_width, W = p->width;
  size_t block = index % p->query_blocks, head = index / p->query_blocks;
  size_t b = head / s->heads, h = head % s->heads, kh = h / (s->heads / s->key_heads);
  size_t ldq = s->heads * D, ldk = s->key_heads * D;
  size_t start = block * query_block, rows = smaller(query_block, s->queries - start);
  size_t lanes = padded(rows), at = (b * s->queries + start) * ldq + h * D;
  float *queries = vd_scratch(0, forward_scratch(D, W));
  float *output = queries + D * query_block, *scores = output + query_block * W;
  float *key_buffer = scores + key_block * query_block;
  float *value_buffer = key_buffer + key_block * W;
  float maximum[query_block], total[query_block], factors[query_block];
  int32_t first[query_block] = {0}, visible[query_block] = {0};
  for (size_t r = 0; r < query_block; r++) {
    maximum[r] = -INFINITY;
    total[r] = 0;
  }
  memset(output, 0, rows * W * sizeof(float));
  p->k->load_columns(s->type, rows, D, element(s, p->q, at), ldq, queries, query_block);
  // A bias is added to scores that are scaled before.
  float scale = s->bias ? 1.f : s->scale;
  size_t exist = existing_keys(s, b), key = 0, end = 0, unused;
  size_t last = smaller(start + rows, existing_queries(s, b));
  if (last > start) {
    seen_by(s, exist, start, &key, &unused);
    seen_by(s, exist, last - 1, &unused, &end);
  }
  for (key = key / key_block * key_block; key < end; key += key_block) {
    size_t count = smaller(key_block, exist - key);
    bool partial = visible_keys(s, exist, start, rows, key, count, first, visible);
    size_t key_at = (b * s->key_capacity + key) * ldk + kh * D, step, value_step;
    const float *keys =
        left_operand(p, element(s, p->keys, key_at), ldk, count, key_buffer, &step);
    const float *values =
        right_operand(p, element(s, p->v, key_at), ldk, count, value_buffer, &value_step);
    size_t width = partial ? strip : lanes;
    for (size_t r = 0; r < rows; r += width) {
      size_t n = smaller(width, rows - r), from = 0;
      size_t seen = partial ? strip_keys(n, first + r, visible + r, &from) : count;
      if (seen == 0) continue;
      seen -= from;
      p->k->block_product(s->type, seen, padded(n), words(p, D), keys + from * step, step, 1,
                          queries + r, query_block, false, scores + r, query_block);
      if (s->bias) add_bias_by_key(p, h, start + r, n, key + from, seen, scores + r);
      p->k->softmax_columns(s->type, seen, padded(n), partial ? first + r : NULL, visible + r,
                            scale * log2_of_e, scores + r, query_block, maximum + r, total + r,
                            factors + r);
      for (size_t i = r; i < r + n; i++)
        if (factors[i] != 1.f) p->k->scale(W, factors[i], output + i * W);
      p->k->block_product(s->type, n, W, words(p, seen), scores + r, 1, query_block,
                          values + words(p, from) * value_step, value_step, true, output + r * W,
                          W);
    }
  }
  float *lse = p->lse ? p->lse + (b * s->heads + h) * s->queries + start : NULL;
  for (size_t r = 0; r < rows; r++) {
    if (lse) lse[r] = total[r] == 0.f ? 0.f : maximum[r] * scale + log2f(total[r]) * log_of_2;
    factors[r] = total[r] == 0.f ? 0.f : 1.f / total[r];
  }
  p->k->store_block(s->type, rows, D, output, W, factors, element(s, p->y, at), ldq);
}

void vd_attention(const vd_attention_shape *shape, const void *q, const void *k, const void *v,
                  void *y, float *lse) {
  attention_pass p = {.s = shape, .k = vd_table(), .q = q, .keys = k, .v = v, .y = y, .lse = lse,
                      .query_blocks = (shape->queries + query_block - 1) / query_block,
                      .width = padded(shape->head_width)};
  vd_parallel(shape->batch * shape->heads * p.query_blocks, forward_task, &p);
}

// Buffers of one key head's gradients.
typedef struct {
  float *keys_t, *values_t, *keys, *dk, *dv;  // of a block of keys
  // Of a block of queries; the first two as right operands, `left` for rows that end in a word.
  float *queries, *gradients, *left, *left_gradients, *scores, *score_gradients, *score_rows;
  float *dq, *lse, *delta;  // of every query of every head
} backward_buffers;

static backward_buffers buffers_of(const attention_pass *p, size_t group) {
  const vd_attention_shape *s = p->s;
  size_t W = p->width, keys = key_block * W, rows = group * s->queries;
  size_t queries = query_block * W, scores = query_block * key_block;
  float *at = vd_scratch(0, backward_scratch(rows, W));
  backward_buffers f;
  float **parts[] = {&f.keys_t, &f.values_t, &f.keys, &f.dk, &f.dv, &f.queries, &f.gradients,
                     &f.left, &f.left_gradients, &f.scores, &f.score_gradients, &f.score_rows,
                     &f.dq, &f.lse, &f.delta};
  size_t sizes[] = {keys, keys, keys, keys, keys, queries, queries, queries,
                    queries, scores, scores, scores, rows * W, rows, rows};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    *parts[i] = at;
    at += sizes[i];
  }
  return f;
}

// One block of queries of one head of one batch entry, of which `rows` exist, against one block of
// keys.
static void block_backward(const attention_pass *p, const backward_buffers *f, size_t exist,
                           size_t b, size_t h, size_t query, size_t rows, size_t key,
                           const float *keys, size_t key_step, size_t count) {
  const vd_attention_shape *s = p->s;
  size_t D = s->head_width, W = p->width, ldq = s->heads * D, at = b * s->queries * ldq + h * D;
  size_t row = h % (s->heads / s->key_heads) * s->queries;
  float scale = s->bias ? 1.f : s->scale;
  int32_t first[query_block], visible[query_block];
  bool partial = visible_keys(s, exist, query, rows, key, count, first, visible);
  size_t offset = at + query * ldq, width = partial ? strip : rows;
  const void *q_in = element(s, p->q, offset), *dy_in = element(s, p->dy, offset);
  size_t q_step, dy_step, q_left_step, dy_left_step;
  const float *q_left = left_operand(p, q_in, ldq, rows, f->left, &q_left_step);
  const float *dy_left = left_operand(p, dy_in, ldq, rows, f->left_gradients, &dy_left_step);
  const float *q = right_operand(p, q_in, ldq, rows, f->queries, &q_step);
  const float *dy = right_operand(p, dy_in, ldq, rows, f->gradients, &dy_step);
  for (size_t r = 0; r < rows; r += width) {
    size_t n = smaller(width, rows - r), from = 0;
    size_t seen = partial ? strip_keys(n, first + r, visible + r, &from) : count;
    if (seen == 0) continue;
    seen -= from;
    size_t lanes = padded(seen);
    float *scores = f->scores + r * key_block, *ds = f->score_gradients + r * key_block;
    p->k->block_product(s->type, n, lanes, words(p, D), q_left + r * q_left_step, q_left_step, 1,
                        f->keys_t + from, key_block, false, scores, key_block);
    p->k->block_product(s->type, n, lanes, words(p, D), dy_left + r * dy_left_step, dy_left_step,
                        1, f->values_t + from, key_block, false, ds, key_block);
    if (s->bias) add_bias_by_query(p, h, query + r, n, key + from, seen, scores);
    float diagonals[query_block + key_block];
    if (p->dbias) memset(diagonals, 0, sizeof diagonals);
    p->k->score_gradients(s->type, n, lanes, seen, partial ? first + r : NULL, visible + r,
                          f->lse + row + query + r, f->delta + row + query + r,
                          scale * log2_of_e, s->scale, scores, ds, key_block, f->score_rows,
                          p->dbias ? diagonals : NULL);
    if (p->dbias) {
      float *sums = p->dbias + (b * s->heads + h) * bias_count(s) +
                    diagonals_at(s, query + r, n, key + from);
      for (size_t i = 0; i < n + seen - 1; i++) sums[i] += diagonals[i];
    }
    p->k->block_product(s->type, seen, W, words(p, n), scores, 1, key_block,
                        dy + words(p, r) * dy_step, dy_step, true, f->dv + from * W, W);
    p->k->block_product(s->type, seen, W, words(p, n), ds, 1, key_block,
                        q + words(p, r) * q_step, q_step, true, f->dk + from * W, W);
    const float *ds_left = s->type == VD_BF16 ? f->score_rows : ds;
    p->k->block_product(s->type, n, W, words(p, seen), ds_left, words(p, key_block), 1,
                        keys + words(p, from) * key_step, key_step, true,
                        f->dq + (row + query + r) * W, W);
  }
}

// The gradients of a block of keys that exist, and what they add to dQ.
static void keys_backward(const attention_pass *p, const backward_buffers *f, size_t b, size_t kh,
                          size_t key, size_t count) {
  const vd_attention_shape *s = p->s;
  size_t D = s->head_width, ldk = s->key_heads * D, step, start, end;
  size_t group = s->heads / s->key_heads;
  size_t key_at = (b * s->key_capacity + key) * ldk + kh * D, exist = existing_keys(s, b);
  const void *keys_in = element(s, p->keys, key_at), *values_in = element(s, p->v, key_at);
  p->k->load_columns(s->type, count, D, keys_in, ldk, f->keys_t, key_block);
  p->k->load_columns(s->type, count, D, values_in, ldk, f->values_t, key_block);
  const float *keys = right_operand(p, keys_in, ldk, count, f->keys, &step);
  seeing(s, key, count, existing_queries(s, b), &start, &end);
  for (size_t g = 0; g < group; g++)
    for (size_t query = start / query_block * query_block; query < end; query += query_block)
      block_backward(p, f, exist, b, kh * group + g, query,
                     smaller(query_block, existing_queries(s, b) - query), key, keys, step, count);
}

// All query heads of one key head: their dQ, and its dK and dV.
static void backward_task(void *context, size_t index) {
  const attention_pass *p = context;
  const vd_attention_shape *s = p->s;
  size_t b = index / s->key_heads, kh = index % s->key_heads, group = s->heads / s->key_heads;
  size_t D = s->head_width, W = p->width, ldq = s->heads * D, ldk = s->key_heads * D;
  size_t query_at = b * s->queries * ldq, T = s->queries;
  backward_buffers f = buffers_of(p, group);
  memset(f.dq, 0, group * T * W * sizeof(float));
  float *dbias = p->dbias ? p->dbias + (b * s->heads + kh * group) * bias_count(s) : NULL;
  size_t dbias_count = group * bias_count(s);
  if (dbias) memset(dbias, 0, dbias_count * sizeof(float));
  for (size_t g = 0; g < group; g++) {
    size_t h = kh * group + g, at = query_at + h * D;
    p->k->row_dot(s->type, T, D, element(s, p->dy, at), element(s, p->y_in, at), ldq,
                  f.delta + g * T);
    const float *lse = p->lse_in + (b * s->heads + h) * T;
    for (size_t r = 0; r < T; r++) f.lse[g * T + r] = lse[r] * log2_of_e;
  }
  for (size_t key = 0; key < s->keys; key += key_block) {
    size_t count = smaller(key_block, s->keys - key);
    size_t exist = smaller(count, difference(existing_keys(s, b), key));
    size_t key_at = (b * s->key_capacity + key) * ldk + kh * D;
    memset(f.dk, 0, count * W * sizeof(float));
    memset(f.dv, 0, count * W * sizeof(float));
    if (exist > 0) keys_backward(p, &f, b, kh, key, exist);
    p->k->store_block(s->type, count, D, f.dk, W, NULL, element(s, p->dk, key_at), ldk);
    p->k->store_block(s->type, count, D, f.dv, W, NULL, element(s, p->dv, key_at), ldk);
  }
  for (size_t g = 0; g < group; g++)
    p->k->store_block(s->type, T, D, f.dq + g * T * W, W, NULL,
                      element(s, p->dq, query_at + (kh * group + g) * D), ldq);
  // The gradients of products of queries and keys are those of scores times the scale.
  if (dbias) p->k->scale(dbias_count, 1.f / s->scale, dbias);
}

void vd_attention_backward(const vd_attention_shape *shape, const void *dy, const void *q,
                           const void *k, const void *v, const void *y, const float *lse,
                           void *dq, void *dk, void *dv, float *dbias) {
  attention_pass p = {.s = shape, .k = vd_table(), .dy = dy, .q = q, .keys = k, .v = v,
                      .y_in = y, .lse_in = lse, .dq = dq, .dk = dk, .dv = dv, .dbias = dbias,
                      .width = padded(shape->head_width)};
  vd_parallel(shape->batch * shape->key_heads, backward_task, &p);
}
