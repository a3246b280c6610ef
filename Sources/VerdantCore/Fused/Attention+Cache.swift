import VerdantBase

extension Attention {
  /// Attention of new queries to the first `keys` rows of caches that have room for more.
  /// Not recorded.
  ///
  /// - Parameters:
  ///   - q: `[batch, queries, heads · headWidth]`.
  ///   - keyCache: `[batch, capacity, keyHeads · headWidth]`.
  ///   - valueCache: The same shape.
  public func callAsFunction(
    _ q: Tensor,
    keyCache: Tensor,
    valueCache: Tensor,
    keys: Int
  ) -> Tensor {
    require(
      keys >= 0 && keys <= keyCache.shape[1],
      "[attention] \(keys) keys of \(keyCache.shape)"
    )
    require(
      !(q.isTraced || keyCache.isTraced || valueCache.isTraced),
      "[attention] caches do not record: detach the inputs"
    )
    check([q, keyCache, valueCache])
    guard Self.runs(on: q.backend) else {
      let filled = [keyCache, valueCache].map { $0.permuted(1, 0, 2)[0..<keys].permuted(1, 0, 2) }
      return reference([q] + filled)
    }
    return Self.kernels(q).attention(
      self, q, keyCache, valueCache, keys: keys, lengths: nil, saving: false
    ).output
  }
}
