import VerdantBase

extension Attention {
  /// Attention of new queries to the first `keys` rows of caches that have room for more.
  /// Not recorded.
  ///
  /// - Parameters:
  ///   - q: `[batch, queries, heads · headWidth]`.
  ///   - keyCache: `[batch, capacity, keyHeads · headWidth]`.
  ///   - valueCache: The same shape.
  ///   - bias: `[heads, queries + keys - 1]`, where the operation has a bias.
  public func callAsFunction(
    _ q: Tensor,
    keyCache: Tensor,
    valueCache: Tensor,
    keys: Int,
    bias: Tensor? = nil
  ) -> Tensor {
    require(
      keys >= 0 && keys <= keyCache.shape[1],
      "[attention] \(keys) keys of \(keyCache.shape)"
    )
    let inputs = [q, keyCache, valueCache] + (bias.map { [$0] } ?? [])
    require(
      !inputs.contains(where: \.isTraced),
      "[attention] caches do not record: detach the inputs"
    )
    require(hasBias == (bias != nil), "[attention] a bias \(hasBias ? "expected" : "unexpected")")
    let operands = operands(inputs, keys: keys)
    guard Self.runs(on: q.backend) else {
      let filled = [keyCache, valueCache].map { $0.permuted(1, 0, 2)[0..<keys].permuted(1, 0, 2) }
      return reference([q] + filled + inputs[3...])
    }
    return Self.kernels(q).attention(self, operands, saving: false).output
  }
}
