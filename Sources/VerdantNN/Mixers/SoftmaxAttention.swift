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

  /// The settings.
  public struct Options: Knobs {
    /// Query heads.
    public var heads = 4
    /// Key and value heads; nil for as many as query heads.
    public var keyHeads: Int?
    /// Tokens that a token sees, itself counted; nil for all that the mask shows.
    public var window: Int?
    /// True when the projections add a bias.
    public var bias = true
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
        Knob("heads", \.heads, 1...65536, "query heads; divides the width"),
        Knob("key_heads", \.keyHeads, 1...65536, "key and value heads; divides the query heads"),
        Knob(
          "window", \.window, 1...(1 << 24),
          "tokens that a token sees, itself counted, on each side where the mask shows both"),
        Knob("bias", \.bias, "whether the projections add a bias"),
        Knob("dropout", \.dropout, 0...0.99, "dropout of the output in training"),
      ]
    }
  }

  /// `width` → `width`.
  public var query: any LinearMap
  /// `width` → `keyHeads · headWidth`.
  public var key: any LinearMap
  /// `width` → `keyHeads · headWidth`.
  public var value: any LinearMap
  /// `width` → `width`.
  public var output: any LinearMap
  /// The settings.
  public let options: Options

  private let rotaryBase: Double?
  private var keyHeads: Int { options.keyHeads ?? options.heads }

  /// Builds the four projections.
  public init(_ options: Options, _ size: MixerSize, _ make: inout Maker) throws(ConfigError) {
    let keyHeads = options.keyHeads ?? options.heads
    guard size.width % options.heads == 0 else {
      throw ConfigError(
        .inconsistent,
        "\(options.heads) heads do not divide the width \(size.width)",
        place: make.path.description,
        rule: "the width is a multiple of the heads",
        advice: "heads that fit: \(Self.divisors(of: size.width))"
      )
    }
    guard options.heads % keyHeads == 0 else {
      throw ConfigError(
        .inconsistent,
        "\(keyHeads) key heads do not divide \(options.heads) heads",
        place: make.path.description,
        rule: "the heads are a multiple of the key heads"
      )
    }
    let headWidth = size.width / options.heads
    guard size.rotaryBase == nil || headWidth % 2 == 0 else {
      throw ConfigError(
        .inconsistent,
        "\(options.heads) heads of width \(headWidth) with rotary positions",
        place: make.path.description,
        rule: "the width of a head is even: positions turn pairs"
      )
    }
    let keyWidth = headWidth * keyHeads
    self.options = options
    rotaryBase = size.rotaryBase
    query = try make.linear("query", size.width, size.width, bias: options.bias)
    key = try make.linear("key", size.width, keyWidth, bias: options.bias)
    value = try make.linear("value", size.width, keyWidth, bias: options.bias)
    output = try make.linear(
      "output", size.width, size.width, bias: options.bias, gain: make.residualGain)
  }

  private static func divisors(of width: Int) -> String {
    (1...max(1, min(width, 64))).filter { width % $0 == 0 }.map(String.init)
      .joined(separator: ", ")
  }

  /// Shows the projections.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.linear("query", &query)
    visitor.linear("key", &key)
    visitor.linear("value", &value)
    visitor.linear("output", &output)
  }

  private func turned(_ x: Tensor, heads: Int, from start: Int) -> Tensor {
    guard let rotaryBase else { return x }
    return rotary(x, heads: heads, from: start, base: rotaryBase)
  }

  /// Queries and keys of tokens whose first one stands at `start`.
  private func projections(_ x: Tensor, from start: Int, _ context: inout Context)
    -> (query: Tensor, key: Tensor)
  {
    let q = turned(query(x, &context), heads: options.heads, from: start)
    return (q, turned(key(x, &context), heads: keyHeads, from: start))
  }

  private func attention(isCausal: Bool) -> Attention {
    Attention(
      heads: options.heads, keyHeads: keyHeads, isCausal: isCausal, window: options.window)
  }

  /// Mixes whole sequences.
  public func callAsFunction(
    _ x: Tensor, _ mask: Mask, adding residual: Tensor?, _ context: inout Context
  ) -> Tensor {
    let (q, k) = projections(x, from: 0, &context)
    let inputs = [q, k, value(x, &context)] + (mask.lengths.map { [$0] } ?? [])
    let mixed = apply(attention(isCausal: mask.isCausal), to: inputs)
    return output(mixed, adding: residual, dropout: options.dropout, &context)
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
    let shape: Shape = [batch, capacity, key.size.output]
    return State(keys: .zeros(shape, on: backend), values: .zeros(shape, on: backend))
  }

  /// Mixes new tokens with those read before.
  public func step(_ x: Tensor, _ state: inout State, _ context: inout Context) -> Tensor {
    let new = x.shape[1]
    require(
      state.length + new <= state.keys.shape[1],
      "[attention] \(state.length) + \(new) tokens in a cache for \(state.keys.shape[1])"
    )
    let (q, k) = projections(x, from: state.length, &context)
    state.keys.writeRows(k, at: state.length)
    state.values.writeRows(value(x, &context), at: state.length)
    state.length += new
    let mixed = attention(isCausal: true)(
      q, keyCache: state.keys, valueCache: state.values, keys: state.length)
    return output(mixed, &context)
  }

  /// Settings for checks.
  public static var examples: [Options] {
    [
      Options(heads: 1), Options(heads: 4), Options(heads: 4, keyHeads: 2),
      Options(heads: 2, window: 3),
    ]
  }
}
