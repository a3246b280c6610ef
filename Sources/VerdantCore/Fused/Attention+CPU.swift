internal import CVerdant

extension CPUBackend: AttentionKernels {
  // The caller keeps lengths and bias alive.
  private func shape(_ operation: Attention, _ operands: Attention.Operands)
    -> vd_attention_shape
  {
    let q = operands.q
    let width = q.shape[2] / operation.heads
    return vd_attention_shape(
      batch: q.shape[0],
      heads: operation.heads,
      key_heads: operation.keyHeads,
      head_width: width,
      queries: q.shape[1],
      keys: operands.keys,
      key_capacity: operands.k.shape[1],
      causal: operation.isCausal,
      window: operation.window ?? 0,
      lengths: operands.lengths.map { UnsafePointer($0.i32) },
      lengths_of_keys: operation.lengthsLimitKeysOnly,
      bias: operands.bias.map { UnsafePointer($0.f32) },
      scale: operation.scale.map { Float($0) } ?? 1 / Float(width).squareRoot(),
      type: q.kernelType
    )
  }

  /// The output, and when `saving` the log-sum-exp of each row.
  public func attention(_ operation: Attention, _ operands: Attention.Operands, saving: Bool)
    -> (output: Tensor, logSumExp: Tensor?)
  {
    let q = operands.q
    let output = empty(q.shape, q.dtype)
    let sums = saving ? empty([q.shape[0], operation.heads, q.shape[1]]) : nil
    var shape = shape(operation, operands)
    withExtendedLifetime(operands) {
      vd_attention(
        &shape, q.unsafeAddress, operands.k.unsafeAddress, operands.v.unsafeAddress,
        output.unsafeAddress, sums?.f32)
    }
    return (output, sums)
  }

  /// The gradients of q, k, v, and where it is wanted of the bias: by batch entry, then summed.
  public func attentionBackward(
    _ operation: Attention, _ gradient: Tensor, _ saved: Attention.Saved, wantsBias: Bool
  ) -> (Tensor, Tensor, Tensor, Tensor?) {
    let operands = saved.operands
    let (q, k, v) = (operands.q, operands.k, operands.v)
    let dy = cast(gradient, to: q.dtype)
    let dq = empty(q.shape, q.dtype)
    let dk = empty(k.shape, q.dtype)
    let dv = empty(v.shape, q.dtype)
    let parts = wantsBias ? operands.bias.map { empty($0.shape.repeated(q.shape[0])) } : nil
    var shape = shape(operation, operands)
    withExtendedLifetime(operands) {
      vd_attention_backward(
        &shape, dy.unsafeAddress, q.unsafeAddress, k.unsafeAddress, v.unsafeAddress,
        saved.output.unsafeAddress, saved.logSumExp.f32, dq.unsafeAddress, dk.unsafeAddress,
        dv.unsafeAddress, parts?.f32)
    }
    return (dq, dk, dv, sum(ofParts: parts, like: operands.bias))
  }
}

extension Backend {
  fileprivate func sum(ofParts parts: Tensor?, like whole: Tensor?) -> Tensor? {
    guard let parts, let whole else { return nil }
    return reduce(.sum, parts, over: [0]).reshaped(to: whole.shape)
  }
}

extension Shape {
  fileprivate func repeated(_ count: Int) -> Shape { Shape([count] + self) }
}

extension ShapeBackend: AttentionKernels {
  /// Shapes.
  public func attention(_ operation: Attention, _ operands: Attention.Operands, saving: Bool)
    -> (output: Tensor, logSumExp: Tensor?)
  {
    let q = operands.q
    return (
      empty(q.shape, q.dtype), saving ? empty([q.shape[0], operation.heads, q.shape[1]]) : nil
    )
  }

  /// Shapes.
  public func attentionBackward(
    _ operation: Attention, _ gradient: Tensor, _ saved: Attention.Saved, wantsBias: Bool
  ) -> (Tensor, Tensor, Tensor, Tensor?) {
    let operands = saved.operands
    let q = operands.q
    _ = cast(gradient, to: q.dtype)
    let rows = q.shape[1] * (operation.heads / operation.keyHeads)
    memory?.useScratch(eachThread: vd_attention_scratch(rows, q.shape[2] / operation.heads))
    let (dq, dk) = (empty(q.shape, q.dtype), empty(operands.k.shape, q.dtype))
    let dv = empty(operands.v.shape, q.dtype)
    let parts = wantsBias ? operands.bias.map { empty($0.shape.repeated(q.shape[0])) } : nil
    return (dq, dk, dv, sum(ofParts: parts, like: operands.bias))
  }
}
