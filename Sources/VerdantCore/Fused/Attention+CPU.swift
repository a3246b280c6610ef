internal import CVerdant

extension CPUBackend: AttentionKernels {
  private func shape(_ operation: Attention, _ q: Tensor, _ k: Tensor, _ keys: Int)
    -> vd_attention_shape
  {
    let width = q.shape[2] / operation.heads
    return vd_attention_shape(
      batch: q.shape[0],
      heads: operation.heads,
      key_heads: operation.keyHeads,
      head_width: width,
      queries: q.shape[1],
      keys: keys,
      key_capacity: k.shape[1],
      causal: operation.isCausal,
      scale: 1 / Float(width).squareRoot()
    )
  }

  /// The output, and when `saving` the log-sum-exp of each row.
  public func attention(
    _ operation: Attention, _ q: Tensor, _ k: Tensor, _ v: Tensor, keys: Int, saving: Bool
  ) -> (output: Tensor, logSumExp: Tensor?) {
    let output = empty(q.shape)
    let sums = saving ? empty([q.shape[0], operation.heads, q.shape[1]]) : nil
    var shape = shape(operation, q, k, keys)
    vd_attention(&shape, q.f32, k.f32, v.f32, output.f32, sums?.f32)
    return (output, sums)
  }

  /// The gradients of q, k and v.
  public func attentionBackward(
    _ operation: Attention, _ gradient: Tensor, _ saved: Attention.Saved
  ) -> (Tensor, Tensor, Tensor) {
    let dq = empty(saved.q.shape)
    let dk = empty(saved.k.shape)
    let dv = empty(saved.v.shape)
    var shape = shape(operation, saved.q, saved.k, saved.k.shape[1])
    vd_attention_backward(
      &shape, gradient.f32, saved.q.f32, saved.k.f32, saved.v.f32, saved.output.f32,
      saved.logSumExp.f32, dq.f32, dk.f32, dv.f32)
    return (dq, dk, dv)
  }
}

extension ShapeBackend: AttentionKernels {
  /// Shapes.
  public func attention(
    _ operation: Attention, _ q: Tensor, _ k: Tensor, _ v: Tensor, keys: Int, saving: Bool
  ) -> (output: Tensor, logSumExp: Tensor?) {
    memory?.useScratch(
      eachThread: vd_attention_scratch(q.shape[1], q.shape[2] / operation.heads))
    return (empty(q.shape), saving ? empty([q.shape[0], operation.heads, q.shape[1]]) : nil)
  }

  /// Shapes.
  public func attentionBackward(
    _ operation: Attention, _ gradient: Tensor, _ saved: Attention.Saved
  ) -> (Tensor, Tensor, Tensor) {
    (empty(saved.q.shape), empty(saved.k.shape), empty(saved.v.shape))
  }
}
