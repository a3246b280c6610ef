public import VerdantBase
public import VerdantCore

/// What a decoder reads of its encoder.
public struct Memory: Sendable {
  /// The encoder's last vectors, `[batch, length, width]`.
  public var vectors: Tensor
  /// How many of each sequence exist, integers `[batch]`; nil for all.
  public var lengths: Tensor?

  /// Makes a memory.
  public init(_ vectors: Tensor, lengths: Tensor? = nil) {
    self.vectors = vectors
    self.lengths = lengths
  }
}

/// Attention of a decoder's tokens to an encoder's (Vaswani et al. 2017, section 3.2.3): queries of
/// the one, keys and values of the other.
public struct CrossAttention: Module {
  /// The settings.
  public struct Options: Knobs {
    /// Query heads.
    public var heads = 4
    /// Key and value heads; nil for as many as query heads.
    public var keyHeads: Int?
    /// Width of a head; nil for the model's width over the heads.
    public var headWidth: Int?
    /// Multiplies the products of queries and keys; nil for `1 / sqrt(headWidth)`.
    public var scale: Double?
    /// True when the projections add a bias.
    public var bias = true
    /// Dropout of the output in training.
    public var dropout = 0.0
    /// The defaults.
    public init() {}
    /// Options with a number of heads.
    public init(heads: Int, keyHeads: Int? = nil) {
      self.heads = heads
      self.keyHeads = keyHeads
    }
    /// The declared options.
    public static var knobs: [Knob<Options>] {
      [
        Knob("heads", \.heads, 1...65536, "query heads"),
        Knob("key_heads", \.keyHeads, 1...65536, "key and value heads; divides the query heads"),
        Knob(
          "head_width", \.headWidth, 1...65536,
          "width of a head; null for the width over the heads"),
        Knob(
          "scale", \.scale, 1e-6...1e6,
          "factor of the scores; null for one over the root of the head's width"),
        Knob("bias", \.bias, "whether the projections add a bias"),
        Knob("dropout", \.dropout, 0...0.99, "dropout of the output in training"),
      ]
    }
  }

  /// The projections.
  public var projections: AttentionProjections
  /// The settings.
  public let options: Options

  /// Builds the projections.
  public init(_ options: Options, width: Int, _ make: inout Maker) throws(ConfigError) {
    self.options = options
    projections = try AttentionProjections(
      AttentionHeads(
        count: options.heads, keyCount: options.keyHeads, width: options.headWidth,
        hasBias: options.bias, hasOutputBias: options.bias),
      width: width, &make)
  }

  /// Shows the projections.
  public mutating func visit(_ visitor: inout some Visitor) { projections.visit(&visitor) }

  /// Keys and values of a memory, `[batch, length, keyHeads · headWidth]` each.
  struct Keys: Sendable {
    let keys: Tensor
    let values: Tensor
    let lengths: Tensor?
  }

  /// What tokens read of a memory: the same for all of them.
  func keys(_ memory: Memory, _ context: inout Context) -> Keys {
    Keys(
      keys: projections.key(memory.vectors, &context),
      values: projections.value(memory.vectors, &context), lengths: memory.lengths)
  }

  /// `[batch, target length, width]` → the same shape, added to `residual` when there is one.
  func callAsFunction(
    _ x: Tensor, _ memory: Keys, adding residual: Tensor?, _ context: inout Context
  ) -> Tensor {
    let attention = Attention(
      heads: options.heads, keyHeads: options.keyHeads, isCausal: false, scale: options.scale,
      lengthsLimitKeysOnly: true)
    let inputs =
      [projections.query(x, &context), memory.keys, memory.values]
      + (memory.lengths.map { [$0] } ?? [])
    return projections.output(
      apply(attention, to: inputs), adding: residual, dropout: options.dropout, &context)
  }
}
