public import VerdantBase
public import VerdantCore

/// Multi-head softmax attention (Vaswani et al. 2017), with grouped key heads (Ainslie et al.
/// 2023) when `key_heads` is smaller than `heads`, and a sliding window (Beltagy et al. 2020) when
/// there is one.
public struct SoftmaxAttention: StreamingMixer {
  /// The name in configurations.
  public static let kind = "attention"
  /// Either mask.
  public static var causality: Causality { .both }
  /// True.
  public static var appliesRotary: Bool { true }
  /// True.
  public static var appliesBias: Bool { true }

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
    /// Tokens that a token sees, itself counted; nil for all that the mask shows.
    public var window: Int?
    /// True when the projections add a bias.
    public var bias = true
    /// Whether the output projection adds a bias; nil for as the others do.
    public var outputBias: Bool?
    /// Dropout of the output in training.
    public var dropout = 0.0
    /// The defaults.
    public init() {}
    /// Options with a number of heads.
    public init(heads: Int, keyHeads: Int? = nil, window: Int? = nil) {
      self.heads = heads
      self.keyHeads = keyHeads
      self.window = window
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
        Knob(
          "window", \.window, 1...(1 << 24),
          "tokens that a token sees, itself counted, on each side where the mask shows both"),
        Knob("bias", \.bias, "whether the projections add a bias"),
        Knob(
          "output_bias", \.outputBias,
          "whether the output projection adds a bias; null for as the others do"),
        Knob("dropout", \.dropout, 0...0.99, "dropout of the output in training"),
      ]
    }
  }

  /// The projections.
  public var projections: AttentionProjections
  /// The settings.
  public let options: Options

  private let rotaryBase: Double?
  private let rotaryScaling: RotaryScaling?
  private var keyHeads: Int { options.keyHeads ?? options.heads }

  /// Builds the projections.
  public init(_ options: Options, _ size: MixerSize, _ make: inout Maker) throws(ConfigError) {
    if let heads = size.biasHeads, heads != options.heads {
      throw ConfigError(
        .inconsistent, "\(options.heads) heads, relative positions for \(heads)",
        place: make.path.description, rule: "every mixer has embedding.relative_heads")
    }
    self.options = options
    rotaryBase = size.rotaryBase
    rotaryScaling = size.rotaryScaling
    projections = try AttentionProjections(
      AttentionHeads(
        count: options.heads, keyCount: options.keyHeads, width: options.headWidth,
        hasBias: options.bias, hasOutputBias: options.outputBias ?? options.bias,
        isRotary: size.rotaryBase != nil),
      width: size.width, &make)
  }

  /// Shows the projections.
  public mutating func visit(_ visitor: inout some Visitor) { projections.visit(&visitor) }

  private func turned(_ x: Tensor, heads: Int, from start: Int) -> Tensor {
    guard let rotaryBase else { return x }
    return rotary(x, heads: heads, from: start, base: rotaryBase, scaling: rotaryScaling)
  }

  /// Queries and keys of tokens whose first one stands at `start`.
  private func queriesAndKeys(_ x: Tensor, from start: Int, _ context: inout Context)
    -> (query: Tensor, key: Tensor)
  {
    let q = turned(projections.query(x, &context), heads: options.heads, from: start)
    return (q, turned(projections.key(x, &context), heads: keyHeads, from: start))
  }

  private func attention(isCausal: Bool, hasBias: Bool) -> Attention {
    Attention(
      heads: options.heads, keyHeads: keyHeads, isCausal: isCausal, window: options.window,
      scale: options.scale, hasBias: hasBias)
  }

  /// Mixes whole sequences.
  public func callAsFunction(
    _ x: Tensor, _ mask: Mask, adding residual: Tensor?, _ context: inout Context
  ) -> Tensor {
    let (q, k) = queriesAndKeys(x, from: 0, &context)
    let v = projections.value(x, &context)
    if let observer = context.observer {
      let parts = [("query", q), ("key", k), ("value", v)]
      for (name, part) in parts { observer("\(context.place).mixer.\(name)", part) }
    }
    let inputs = [q, k, v] + [mask.lengths, mask.bias].compactMap(\.self)
    let mixed = apply(
      attention(isCausal: mask.isCausal, hasBias: mask.bias != nil), to: inputs)
    return projections.output(mixed, adding: residual, dropout: options.dropout, &context)
  }

  /// Keys and values of the tokens read.
  public struct State: Sendable {
    var keys: Tensor
    var values: Tensor
    /// Tokens read.
    public internal(set) var length = 0
  }

  /// Empty caches.
  public func initialState(batch: Int, capacity: Int, on backend: any Backend) -> State {
    let shape: Shape = [batch, capacity, projections.key.size.output]
    return State(keys: .zeros(shape, on: backend), values: .zeros(shape, on: backend))
  }

  /// Mixes new tokens with those read before.
  public func step(
    _ x: Tensor, _ state: inout State, bias: Tensor?, _ context: inout Context
  ) -> Tensor {
    let new = x.shape[1]
    require(
      state.length + new <= state.keys.shape[1],
      "[attention] \(state.length) + \(new) tokens in a cache for \(state.keys.shape[1])"
    )
    let (q, k) = queriesAndKeys(x, from: state.length, &context)
    state.keys.writeRows(k, at: state.length)
    state.values.writeRows(projections.value(x, &context), at: state.length)
    state.length += new
    let mixed = attention(isCausal: true, hasBias: bias != nil)(
      q, keyCache: state.keys, valueCache: state.values, keys: state.length, bias: bias)
    return projections.output(mixed, &context)
  }

  /// Settings for checks.
  public static var examples: [Options] {
    var wide = Options(heads: 2)
    wide.headWidth = 6
    wide.scale = 0.7
    wide.outputBias = false
    return [
      Options(heads: 1), Options(heads: 4), Options(heads: 4, keyHeads: 2),
      Options(heads: 2, window: 3), wide,
    ]
  }
}
