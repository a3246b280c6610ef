import VerdantBase
internal import CVerdant

/// Exact scaled dot-product attention (Vaswani et al. 2017) in blocks, without the score matrix
/// (Dao et al. 2022). Inputs: q `[batch, queries, heads · headWidth]`, k and v
/// `[batch, keys, keyHeads · headWidth]`; each group of `heads / keyHeads` query heads reads one
/// key head. Output: the shape of q.
///
/// With lengths `[batch]` as a fourth input the keys beyond a batch entry's length do not exist, and
/// neither do the queries, which have to be as many as keys, unless the lengths limit keys only. A
/// query that sees no key gives 0.
public struct Attention: FusedPrimitive {
  /// Query heads.
  public let heads: Int
  /// Key and value heads; divides `heads`.
  public let keyHeads: Int
  /// When true, query i sees the keys up to `i + keys - queries`.
  public let isCausal: Bool
  /// How near a key has to be, its own place counted: causal query i sees the keys from
  /// `i + keys - queries - window + 1` on (Beltagy et al. 2020), others as many on both sides.
  public let window: Int?
  /// What the product of a query and a key is multiplied by, above 0; nil for 1 / √headWidth.
  public let scale: Double?
  /// When true, lengths count keys and every query exists: queries of one sequence attend to keys
  /// of another. Never true of causal attention.
  public let lengthsLimitKeysOnly: Bool

  /// Makes the operation.
  public init(
    heads: Int, keyHeads: Int? = nil, isCausal: Bool, window: Int? = nil, scale: Double? = nil,
    lengthsLimitKeysOnly: Bool = false
  ) {
    require(
      heads > 0 && heads % (keyHeads ?? heads) == 0 && (window ?? 1) > 0,
      "[attention] \(heads) heads, \(keyHeads ?? heads) key heads, window \(window ?? 0)"
    )
    let factor = scale.map { Float($0) } ?? 1
    require(
      factor > 0 && factor.isNormal,
      "[attention] scale \(scale ?? 1), expected a number above 0")
    require(
      !(isCausal && lengthsLimitKeysOnly),
      "[attention] lengths of keys only, where causal queries stand among the keys")
    self.window = window
    self.scale = scale
    self.lengthsLimitKeysOnly = lengthsLimitKeysOnly
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
    let lengths: Tensor?
    let output: Tensor
    let logSumExp: Tensor
  }

  func check(_ inputs: [Tensor]) {
    let (q, k, v) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
    let fits =
      q.rank == 3 && k.rank == 3 && k == v && q[0] == k[0] && q[2] % heads == 0
      && q[2] / heads * keyHeads == k[2]
    require(fits, "[attention] shapes \(q), \(k), \(v) for \(heads)/\(keyHeads) heads")
    require(
      inputs.prefix(3).allSatisfy { $0.dtype == inputs[0].dtype },
      "[attention] inputs in \(inputs.map(\.dtype)), one form expected")
    guard inputs.count > 3 else { return }
    let lengths = inputs[3]
    require(
      lengths.dtype == .int32 && lengths.shape == [q[0]]
        && (lengthsLimitKeysOnly || q[1] == k[1]),
      "[attention] \(lengths.dtype) lengths \(lengths.shape) for queries \(q) and keys \(k)")
    lengths.withUnsafeElements(as: Int32.self) {
      for length in $0 {
        require(
          length >= 0 && length <= k[1], "[attention] a length of \(length) for \(k[1]) keys")
      }
    }
  }

  static func kernels(_ x: Tensor) -> any AttentionKernels {
    guard let kernels = x.backend as? any AttentionKernels else {
      trap("[attention] the backend \(x.backend.name) has no kernel")
    }
    return kernels
  }

  /// Computes the output.
  public func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: Saved?) {
    check(inputs)
    let (q, k, v) = (inputs[0], inputs[1], inputs[2])
    let lengths = inputs.count > 3 ? inputs[3] : nil
    let (output, logSumExp) = Self.kernels(q).attention(
      self,
      q,
      k,
      v,
      keys: k.shape[1],
      lengths: lengths,
      saving: saving
    )
    guard saving, let logSumExp else { return (output, nil) }
    return (
      output, Saved(q: q, k: k, v: v, lengths: lengths, output: output, logSumExp: logSumExp)
    )
  }

  /// Computes the gradients.
  public func backward(_ gradient: Tensor, _ saved: Saved, wanted: [Bool]) -> [Tensor?] {
    let (dq, dk, dv) = Self.kernels(gradient).attentionBackward(self, gradient, saved)
    return [dq, dk, dv, nil].dropLast(saved.lengths == nil ? 1 : 0)
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
    var scores =
      matmul(grouped, split(k), transposeB: true) * (scale ?? 1 / Double(headWidth).squareRoot())
    let seen = AttentionPairs(self, queries: queries, keys: keys)
    let lengths = inputs.count > 3 ? inputs[3].integers.map(Int.init) : nil
    if let penalty = seen.penalty(lengths, on: q.backend) { scores = scores + penalty }
    let weights = exp(scores - scores.maximum(over: 2).detached())
    var shares = weights / weights.sum(over: 2)
    if let rows = seen.rowsThatSee(lengths, on: q.backend) { shares = shares * rows }
    let mixed = matmul(shares, split(v))
    return mixed.reshaped(to: [batch, keyHeads, group, queries, headWidth])
      .permuted(0, 3, 1, 2, 4).reshaped(to: q.shape)
  }

  /// True where a kernel exists.
  public static func runs(on backend: any Backend) -> Bool { backend is any AttentionKernels }

  /// Pairs of a query and a key that it sees, for one head of one batch entry.
  public func visiblePairs(queries: Int, keys: Int) -> Double {
    AttentionPairs(self, queries: queries, keys: keys).count
  }

  /// Work: two products over the visible pairs forward, five backward; softmax by pair. Every key
  /// counts as existing.
  public func cost(_ inputs: [Shape], _ output: Shape) -> Cost {
    let pairs =
      visiblePairs(queries: inputs[0][1], keys: inputs[1][1]) * Double(inputs[0][0] * heads)
    let product = 2 * pairs * Double(inputs[0][2] / heads)
    let elements = inputs.prefix(3).reduce(output.elementCount) { $0 + $1.elementCount }
    return Cost(
      forward: 2 * product + 5 * pairs,
      backward: [2 * product + 4 * pairs, 1.5 * product, 1.5 * product, 0],
      bytes: 4 * Double(elements)
    )
  }

  /// Shapes for checks and benchmarks.
  public static var examples: [Example<Attention>] {
    func shapes(
      _ heads: Int, _ keyHeads: Int, _ causal: Bool, _ q: Shape, _ k: Shape, window: Int? = nil,
      scale: Double? = nil
    ) -> Example<Attention> {
      Example(
        Attention(
          heads: heads, keyHeads: keyHeads, isCausal: causal, window: window, scale: scale),
        .normal(q),
        .normal(k),
        .normal(k)
      )
    }
    func lengths(_ heads: Int, _ causal: Bool, _ q: Shape, window: Int? = nil)
      -> Example<Attention>
    {
      Example(
        Attention(heads: heads, isCausal: causal, window: window), .normal(q), .normal(q),
        .normal(q), .indices([q[0]], limit: q[1] + 1))
    }
    func keyLengths(_ heads: Int, _ keyHeads: Int, _ q: Shape, _ k: Shape, window: Int? = nil)
      -> Example<Attention>
    {
      Example(
        Attention(
          heads: heads, keyHeads: keyHeads, isCausal: false, window: window,
          lengthsLimitKeysOnly: true),
        .normal(q), .normal(k), .normal(k), .indices([q[0]], limit: k[1] + 1))
    }
    return [
      shapes(1, 1, false, [1, 1, 1], [1, 1, 1]), shapes(2, 2, true, [2, 5, 6], [2, 5, 6]),
      shapes(2, 2, false, [1, 7, 4], [1, 9, 4]), shapes(4, 2, true, [1, 67, 12], [1, 67, 6]),
      shapes(1, 1, true, [1, 3, 5], [1, 8, 5]), shapes(2, 1, true, [2, 130, 16], [2, 300, 8]),
      shapes(1, 1, true, [0, 4, 3], [0, 4, 3]), shapes(2, 1, true, [1, 70, 6], [1, 5, 3]),
      shapes(1, 1, true, [1, 6, 2], [1, 6, 2], window: 1),
      shapes(2, 1, true, [1, 300, 6], [1, 300, 3], window: 70),
      shapes(1, 1, true, [1, 20, 16], [1, 290, 16], window: 33),
      shapes(1, 1, false, [1, 280, 5], [1, 280, 5], window: 17),
      shapes(2, 1, true, [2, 70, 6], [2, 70, 3], scale: 1),
      shapes(1, 1, false, [1, 9, 4], [1, 140, 4], scale: 0.01),
      lengths(2, false, [3, 9, 6]), lengths(1, true, [2, 140, 5]),
      lengths(1, false, [2, 210, 16], window: 40), lengths(1, true, [3, 150, 3], window: 65),
      keyLengths(2, 1, [3, 9, 6], [3, 14, 3]), keyLengths(1, 1, [4, 150, 5], [4, 140, 5]),
      keyLengths(2, 2, [2, 70, 32], [2, 300, 32]), keyLengths(1, 1, [3, 140, 3], [3, 5, 3]),
      keyLengths(1, 1, [2, 100, 4], [2, 210, 4], window: 40),
    ]
  }
}

/// The kernels of ``Attention``.
public protocol AttentionKernels: Backend {
  /// The output, and when `saving` the log-sum-exp of each row. Of `k` and `v` the first `keys`
  /// rows of each batch entry count, and of queries and keys those below its length.
  func attention(
    _ operation: Attention,
    _ q: Tensor,
    _ k: Tensor,
    _ v: Tensor,
    keys: Int,
    lengths: Tensor?,
    saving: Bool
  ) -> (output: Tensor, logSumExp: Tensor?)
  /// The gradients of q, k and v.
  func attentionBackward(_ operation: Attention, _ gradient: Tensor, _ saved: Attention.Saved)
    -> (Tensor, Tensor, Tensor)
}
