import VerdantBase
internal import CVerdant

/// Exact scaled dot-product attention (Vaswani et al. 2017) in blocks, without the score matrix
/// (Dao et al. 2022). Inputs: q `[batch, queries, heads · headWidth]`, k and v
/// `[batch, keys, keyHeads · headWidth]`; each group of `heads / keyHeads` query heads reads one
/// key head. Output: the shape of q.
public struct Attention: FusedPrimitive {
  /// Query heads.
  public let heads: Int
  /// Key and value heads; divides `heads`.
  public let keyHeads: Int
  /// When true, query i sees the keys up to `i + keys - queries`.
  public let isCausal: Bool

  /// Makes the operation.
  public init(heads: Int, keyHeads: Int? = nil, isCausal: Bool) {
    require(
      heads > 0 && heads % (keyHeads ?? heads) == 0,
      "[attention] \(heads) heads, \(keyHeads ?? heads) key heads"
    )
    self.heads = heads
    self.keyHeads = keyHeads ?? heads
    self.isCausal = isCausal
  }

  /// The name in errors and profiles.
  public static var name: String { "attention" }
  /// True: scores and sums are f32, the output has the form of the inputs.
  public static var readsBFloat16: Bool { true }

  /// Inputs, output and the log-sum-exp of each row of scores.
  public struct Saved: Sendable {
    let q: Tensor
    let k: Tensor
    let v: Tensor
    let output: Tensor
    let logSumExp: Tensor
  }

  private func check(_ inputs: [Tensor]) {
    let (q, k, v) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
    let fits =
      q.rank == 3 && k.rank == 3 && k == v && q[0] == k[0] && q[2] % heads == 0
      && q[2] / heads * keyHeads == k[2]
    require(fits, "[attention] shapes \(q), \(k), \(v) for \(heads)/\(keyHeads) heads")
    require(
      inputs.allSatisfy { $0.dtype == inputs[0].dtype },
      "[attention] inputs in \(inputs.map(\.dtype)), one form expected")
  }

  private static func kernels(_ x: Tensor) -> any AttentionKernels {
    guard let kernels = x.backend as? any AttentionKernels else {
      trap("[attention] the backend \(x.backend.name) has no kernel")
    }
    return kernels
  }

  /// Computes the output.
  public func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: Saved?) {
    check(inputs)
    let (q, k, v) = (inputs[0], inputs[1], inputs[2])
    let (output, logSumExp) = Self.kernels(q).attention(
      self,
      q,
      k,
      v,
      keys: k.shape[1],
      saving: saving
    )
    guard saving, let logSumExp else { return (output, nil) }
    return (output, Saved(q: q, k: k, v: v, output: output, logSumExp: logSumExp))
  }

  /// Computes the gradients.
  public func backward(_ gradient: Tensor, _ saved: Saved, wanted: [Bool]) -> [Tensor?] {
    let (dq, dk, dv) = Self.kernels(gradient).attentionBackward(self, gradient, saved)
    return [dq, dk, dv]
  }

  /// The definition, with the whole score matrix.
  public func reference(_ inputs: [Tensor]) -> Tensor {
    check(inputs)
    let (q, k, v) = (inputs[0], inputs[1], inputs[2])
    let (batch, queries, keys) = (q.shape[0], q.shape[1], k.shape[1])
    let headWidth = q.shape[2] / heads
    let group = heads / keyHeads
    // Grouped heads: [batch, keyHeads, group · queries, headWidth] against one key head.
    let grouped = q.reshaped(to: [batch, queries, keyHeads, group, headWidth])
      .permuted(0, 2, 3, 1, 4).reshaped(to: [batch * keyHeads, group * queries, headWidth])
    func split(_ x: Tensor) -> Tensor {
      x.reshaped(to: [batch, keys, keyHeads, headWidth]).permuted(0, 2, 1, 3)
        .reshaped(to: [batch * keyHeads, keys, headWidth])
    }
    var scores = matmul(grouped, split(k), transposeB: true) / Double(headWidth).squareRoot()
    if isCausal { scores = scores + causalPenalty(group, queries, keys, on: q.backend) }
    let weights = exp(scores - scores.maximum(over: 2).detached())
    var shares = weights / weights.sum(over: 2)
    if isCausal && queries > keys {
      shares = shares * rowsThatSee(group, queries, keys, on: q.backend)
    }
    let mixed = matmul(shares, split(v))
    return mixed.reshaped(to: [batch, keyHeads, group, queries, headWidth])
      .permuted(0, 3, 1, 2, 4).reshaped(to: q.shape)
  }

  private func causalPenalty(_ group: Int, _ queries: Int, _ keys: Int, on backend: any Backend)
    -> Tensor
  {
    var penalty = [Float](repeating: 0, count: group * queries * keys)
    for row in 0..<group * queries {
      let visible = max(0, row % queries + 1 + keys - queries)
      for key in min(visible, keys)..<keys { penalty[row * keys + key] = -1e30 }
    }
    return Tensor(penalty, [group * queries, keys], on: backend)
  }

  // [group · queries, 1]: 0 for the queries before the first key, whose output is 0.
  private func rowsThatSee(_ group: Int, _ queries: Int, _ keys: Int, on backend: any Backend)
    -> Tensor
  {
    let rows = (0..<group * queries).map { Float($0 % queries + keys >= queries ? 1 : 0) }
    return Tensor(rows, [group * queries, 1], on: backend)
  }

  /// True where a kernel exists.
  public static func runs(on backend: any Backend) -> Bool { backend is any AttentionKernels }

  /// Pairs of a query and a key that it sees, for one head of one batch entry.
  public func visiblePairs(queries: Int, keys: Int) -> Double {
    guard isCausal else { return Double(queries) * Double(keys) }
    let first = Double(max(1, keys - queries + 1))
    let rows = Double(min(queries, keys))
    return (first + Double(keys)) / 2 * rows
  }

  /// Work: two products over the visible pairs forward, five backward; softmax by pair.
  public func cost(_ inputs: [Shape], _ output: Shape) -> Cost {
    let pairs =
      visiblePairs(queries: inputs[0][1], keys: inputs[1][1]) * Double(inputs[0][0] * heads)
    let product = 2 * pairs * Double(inputs[0][2] / heads)
    let elements = inputs.reduce(output.elementCount) { $0 + $1.elementCount }
    return Cost(
      forward: 2 * product + 5 * pairs,
      backward: [2 * product + 4 * pairs, 1.5 * product, 1.5 * product],
      bytes: 4 * Double(elements)
    )
  }

  /// Shapes for checks and benchmarks.
  public static var examples: [Example<Attention>] {
    func shapes(_ heads: Int, _ keyHeads: Int, _ causal: Bool, _ q: Shape, _ k: Shape)
      -> Example<Attention>
    {
      Example(
        Attention(heads: heads, keyHeads: keyHeads, isCausal: causal),
        .normal(q),
        .normal(k),
        .normal(k)
      )
    }
    return [
      shapes(1, 1, false, [1, 1, 1], [1, 1, 1]), shapes(2, 2, true, [2, 5, 6], [2, 5, 6]),
      shapes(2, 2, false, [1, 7, 4], [1, 9, 4]), shapes(4, 2, true, [1, 67, 12], [1, 67, 6]),
      shapes(1, 1, true, [1, 3, 5], [1, 8, 5]), shapes(2, 1, true, [2, 130, 16], [2, 300, 8]),
      shapes(1, 1, true, [0, 4, 3], [0, 4, 3]), shapes(2, 1, true, [1, 70, 6], [1, 5, 3]),
    ]
  }
}

/// The kernels of ``Attention``.
public protocol AttentionKernels: Backend {
  /// The output, and when `saving` the log-sum-exp of each row. Of `k` and `v` the first `keys`
  /// rows of each batch entry count.
  func attention(
    _ operation: Attention,
    _ q: Tensor,
    _ k: Tensor,
    _ v: Tensor,
    keys: Int,
    saving: Bool
  ) -> (output: Tensor, logSumExp: Tensor?)
  /// The gradients of q, k and v.
  func attentionBackward(_ operation: Attention, _ gradient: Tensor, _ saved: Attention.Saved)
    -> (Tensor, Tensor, Tensor)
}

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
    return Self.kernels(q).attention(self, q, keyCache, valueCache, keys: keys, saving: false)
      .output
  }
}
