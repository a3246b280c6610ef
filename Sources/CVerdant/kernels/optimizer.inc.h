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
