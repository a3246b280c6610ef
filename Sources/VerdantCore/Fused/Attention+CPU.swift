internal import CVerdant

extension CPUBackend: AttentionKernels {
  // The caller keeps the lengths alive.
  private func shape(
    _ operation: Attention, _ q: Tensor, _ k: Tensor, _ keys: Int, _ lengths: Tensor?
  ) -> vd_attention_shape {
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
      window: operation.window ?? 0,
      lengths: lengths.map { UnsafePointer($0.i32) },
      lengths_of_keys: operation.lengthsLimitKeysOnly,
      scale: operation.scale.map { Float($0) } ?? 1 / Float(width).squareRoot(),
      type: q.kernelType
    )
  }

  /// The output, and when `saving` the log-sum-exp of each row.
  public func attention(
    _ operation: Attention, _ q: Tensor, _ k: Tensor, _ v: Tensor, keys: Int,
    lengths: Tensor?, saving: Bool
  ) -> (output: Tensor, logSumExp: Tensor?) {
    let output = empty(q.shape, q.dtype)
    let sums = saving ? empty([q.shape[0], operation.heads, q.shape[1]]) : nil
    var shape = shape(operation, q, k, keys, lengths)
    withExtendedLifetime(lengths) {
      vd_attention(
        &shape, q.unsafeAddress, k.unsafeAddress, v.unsafeAddress, output.unsafeAddress, sums?.f32)
    }
    return (output, sums)
  }

  /// The gradients of q, k and v.
  public func attentionBackward(
    _ operation: Attention, _ gradient: Tensor, _ saved: Attention.Saved
  ) -> (Tensor, Tensor, Tensor) {
    let dtype = saved.q.dtype
    let dy = cast(gradient, to: dtype)
    let dq = empty(saved.q.shape, dtype)
    let dk = empty(saved.k.shape, dtype)
    let dv = empty(saved.v.shape, dtype)
    var shape = shape(operation, saved.q, saved.k, saved.k.shape[1], saved.lengths)
    vd_attention_backward(
      &shape, dy.unsafeAddress, saved.q.unsafeAddress, saved.k.unsafeAddress,
      saved.v.unsafeAddress, saved.output.unsafeAddress, saved.logSumExp.f32, dq.unsafeAddress,
      dk.unsafeAddress, dv.unsafeAddress)
    return (dq, dk, dv)
  }
}

extension ShapeBackend: AttentionKernels {
  /// Shapes.
  public func attention(
    _ operation: Attention, _ q: Tensor, _ k: Tensor, _ v: Tensor, keys: Int,
    lengths: Tensor?, saving: Bool
  ) -> (output: Tensor, logSumExp: Tensor?) {
    (empty(q.shape, q.dtype), saving ? empty([q.shape[0], operation.heads, q.shape[1]]) : nil)
  }

  /// Shapes.
  public func attentionBackward(
    _ operation: Attention, _ gradient: Tensor, _ saved: Attention.Saved
  ) -> (Tensor, Tensor, Tensor) {
    let dtype = saved.q.dtype
    _ = cast(gradient, to: dtype)
    let rows = saved.q.shape[1] * (operation.heads / operation.keyHeads)
    memory?.useScratch(
      eachThread: vd_attention_scratch(rows, saved.q.shape[2] / operation.heads))
    return (
      empty(saved.q.shape, dtype), empty(saved.k.shape, dtype), empty(saved.v.shape, dtype)
    )
  }
}
