// Adam with bias correction (Kingma and Ba 2015) and decoupled decay (Loshchilov and Hutter 2019).
static void adamw(const vd_adamw_settings *s, size_t n, float *w, const float *g, float *m,
                  float *v) {
  float rate = s->rate, b1 = s->beta1, b2 = s->beta2, epsilon = s->epsilon;
  float keep = 1.f - rate * s->decay;
  float step = rate / s->correction1, root = 1.f / root_of(s->correction2);
  float clip = s->gradient_scale;
  for (size_t i = 0; i < n; i++) {
    float gradient = g[i] * clip;
    float first = b1 * m[i] + (1.f - b1) * gradient;
    float second = b2 * v[i] + (1.f - b2) * gradient * gradient;
    m[i] = first;
    v[i] = second;
    w[i] = w[i] * keep - step * first / (root_of(second) * root + epsilon);
  }
}

// The direction of Adam plus decay (You et al. 2020, algorithm 2); the trust ratio needs its norm.
static void lamb(const vd_adamw_settings *s, size_t n, const float *w, const float *g, float *m,
                 float *v, float *u) {
  float b1 = s->beta1, b2 = s->beta2, epsilon = s->epsilon, decay = s->decay;
  float scale = 1.f / s->correction1, root = 1.f / root_of(s->correction2);
  float clip = s->gradient_scale;
  for (size_t i = 0; i < n; i++) {
    float gradient = g[i] * clip;
    float first = b1 * m[i] + (1.f - b1) * gradient;
    float second = b2 * v[i] + (1.f - b2) * gradient * gradient;
    m[i] = first;
    v[i] = second;
    u[i] = scale * first / (root_of(second) * root + epsilon) + decay * w[i];
  }
}

// Momentum as in Sutskever et al. 2013 without dampening. The sums of two terms with Nesterov's
// factors stand for both forms, so that the loop has no branch.
static void sgd(const vd_sgd_settings *s, size_t n, float *w, const float *g, float *m) {
  float rate = s->rate, momentum = s->momentum, penalty = s->penalty, clip = s->gradient_scale;
  float keep = 1.f - rate * s->decay;
  if (!m) {
    for (size_t i = 0; i < n; i++) w[i] = w[i] * keep - rate * (g[i] * clip + penalty * w[i]);
    return;
  }
  float now = s->nesterov ? 1.f : 0.f, ahead = s->nesterov ? momentum : 1.f;
  for (size_t i = 0; i < n; i++) {
    float gradient = g[i] * clip + penalty * w[i];
    float velocity = momentum * m[i] + gradient;
    m[i] = velocity;
    w[i] = w[i] * keep - rate * (now * gradient + ahead * velocity);
  }
}

static void average(float momentum, bool nesterov, float scale, size_t n, const float *g, float *m,
                    float *u) {
  float fresh = (1.f - momentum) * scale;
  float now = nesterov ? fresh : 0.f, ahead = nesterov ? momentum : 1.f;
  for (size_t i = 0; i < n; i++) {
    float mean = momentum * m[i] + fresh * g[i];
    m[i] = mean;
    u[i] = now * g[i] + ahead * mean;
  }
}

static void step(float keep, float rate, size_t n, const float *u, float *w) {
  for (size_t i = 0; i < n; i++) w[i] = keep * w[i] - rate * u[i];
}
