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
///
/// With a bias as the last input, in f32 `[heads, queries + keys - 1]`, each head adds to its scaled
/// scores a number by distance (Raffel et al. 2020): to that of query i and key j the number at
/// `j - i + queries - 1`, which is `j - place + keys - 1` for the place `i + keys - queries` that
/// the query has among the keys.
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
  /// True where the last input is a bias of the scores.
  public let hasBias: Bool

  /// Makes the operation.
  public init(
    heads: Int, keyHeads: Int? = nil, isCausal: Bool, window: Int? = nil, scale: Double? = nil,
    lengthsLimitKeysOnly: Bool = false, hasBias: Bool = false
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
    self.hasBias = hasBias
    self.heads = heads
    self.keyHeads = keyHeads ?? heads
    self.isCausal = isCausal
  }

  /// The name in errors and profiles.
  public static var name: String { "attention" }
  /// True: scores and sums are f32, the output has the form of the inputs.
  public static var readsBFloat16: Bool { true }

  /// The inputs by name.
  public struct Operands: Sendable {
    let q: Tensor
    let k: Tensor
    let v: Tensor
    /// The rows of k and v that count, of each batch entry the first.
    let keys: Int
    let lengths: Tensor?
    let bias: Tensor?
  }

  /// Inputs, output and the log-sum-exp of each row of scores.
  public struct Saved: Sendable {
    let operands: Operands
    let output: Tensor
    let logSumExp: Tensor
  }

  /// The inputs, checked; `keys` is given where k and v have room for more.
  func operands(_ inputs: [Tensor], keys: Int? = nil) -> Operands {
    let lengthsCount = inputs.count - (hasBias ? 4 : 3)
    require(
      lengthsCount == 0 || lengthsCount == 1,
      "[attention] \(inputs.count) inputs \(hasBias ? "with" : "without") a bias")
    let (q, k, v) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
    let fits =
      q.rank == 3 && k.rank == 3 && k == v && q[0] == k[0] && q[2] % heads == 0
      && q[2] / heads * keyHeads == k[2]
    require(fits, "[attention] shapes \(q), \(k), \(v) for \(heads)/\(keyHeads) heads")
    require(
      inputs.prefix(3).allSatisfy { $0.dtype == inputs[0].dtype },
      "[attention] inputs in \(inputs.map(\.dtype)), one form expected")
    let operands = Operands(
      q: inputs[0], k: inputs[1], v: inputs[2], keys: keys ?? k[1],
      lengths: lengthsCount > 0 ? inputs[3] : nil, bias: hasBias ? inputs.last : nil)
    if let lengths = operands.lengths { check(lengths, q, k) }
    if let bias = operands.bias {
      require(
        bias.dtype == bias.backend.scalarType
          && bias.shape == [heads, max(0, q[1] + operands.keys - 1)],
        "[attention] \(bias.dtype) bias \(bias.shape) for \(heads) heads, \(q[1]) queries and "
          + "\(operands.keys) keys")
    }
    return operands
  }

  private func check(_ lengths: Tensor, _ q: Shape, _ k: Shape) {
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
    let operands = operands(inputs)
    let (output, logSumExp) = Self.kernels(operands.q).attention(self, operands, saving: saving)
    guard saving, let logSumExp else { return (output, nil) }
    return (output, Saved(operands: operands, output: output, logSumExp: logSumExp))
  }

  /// Computes the gradients.
  public func backward(_ gradient: Tensor, _ saved: Saved, wanted: [Bool]) -> [Tensor?] {
    let (dq, dk, dv, dbias) = Self.kernels(gradient).attentionBackward(
      self, gradient, saved, wantsBias: hasBias && wanted.last == true)
    return [dq, dk, dv] + (saved.operands.lengths == nil ? [] : [nil]) + (hasBias ? [dbias] : [])
  }

  /// The definition, with the whole score matrix.
  public func reference(_ inputs: [Tensor]) -> Tensor {
    let operands = operands(inputs)
    let (q, k, v) = (operands.q, operands.k, operands.v)
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
    if let bias = operands.bias {
      let byHead = scores.reshaped(to: [batch, heads, queries, keys])
      scores = (byHead + spread(bias, queries: queries, keys: keys)).reshaped(to: scores.shape)
    }
    let seen = AttentionPairs(self, queries: queries, keys: keys)
    let lengths = operands.lengths?.integers.map(Int.init)
    if let penalty = seen.penalty(lengths, on: q.backend) { scores = scores + penalty }
    let weights = exp(scores - scores.maximum(over: 2).detached())
    var shares = weights / weights.sum(over: 2)
    if let rows = seen.rowsThatSee(lengths, on: q.backend) { shares = shares * rows }
    let mixed = matmul(shares, split(v))
    return mixed.reshaped(to: [batch, keyHeads, group, queries, headWidth])
      .permuted(0, 3, 1, 2, 4).reshaped(to: q.shape)
  }

  // [heads, queries, keys]
  private func spread(_ bias: Tensor, queries: Int, keys: Int) -> Tensor {
    let places = (0..<queries).flatMap { query in
      (0..<keys).map { Int32($0 - query + queries - 1) }
    }
    let indices = Tensor(integers: places, [queries, keys], on: bias.backend)
    return gatherRows(bias.permuted(1, 0), indices).permuted(2, 0, 1)
  }

  /// True where a kernel exists.
  public static func runs(on backend: any Backend) -> Bool { backend is any AttentionKernels }

  /// Pairs of a query and a key that it sees, for one head of one batch entry.
  public func visiblePairs(queries: Int, keys: Int) -> Double {
    AttentionPairs(self, queries: queries, keys: keys).count
  }

  /// Work: two products over the visible pairs forward, five backward; softmax and bias by pair.
  /// Every key counts as existing.
  public func cost(_ inputs: [Shape], _ output: Shape) -> Cost {
    let pairs =
      visiblePairs(queries: inputs[0][1], keys: inputs[1][1]) * Double(inputs[0][0] * heads)
    let product = 2 * pairs * Double(inputs[0][2] / heads)
    let read = inputs.prefix(3) + (hasBias ? inputs.suffix(1) : [])
    let elements = read.reduce(output.elementCount) { $0 + $1.elementCount }
    let added = hasBias ? pairs : 0
    let others = [Double](repeating: 0, count: max(0, inputs.count - (hasBias ? 4 : 3)))
    return Cost(
      forward: 2 * product + 5 * pairs + added,
      backward: [2 * product + 4 * pairs + added, 1.5 * product, 1.5 * product] + others
        + (hasBias ? [pairs] : []),
      bytes: 4 * Double(elements)
    )
  }
}

/// The kernels of ``Attention``.
public protocol AttentionKernels: Backend {
  /// The output, and when `saving` the log-sum-exp of each row.
  func attention(_ operation: Attention, _ operands: Attention.Operands, saving: Bool)
    -> (output: Tensor, logSumExp: Tensor?)
  /// The gradients of q, k, v, and where it is wanted of the bias.
  func attentionBackward(
    _ operation: Attention, _ gradient: Tensor, _ saved: Attention.Saved, wantsBias: Bool
  ) -> (Tensor, Tensor, Tensor, Tensor?)
}
