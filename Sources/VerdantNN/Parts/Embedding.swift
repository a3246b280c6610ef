public import VerdantBase
public import VerdantCore

/// Settings of the input side.
public struct EmbeddingConfig: Knobs {
  /// The name of a position encoding in the catalog.
  public struct Positions: CatalogName {
    /// The name.
    public let kind: String
    /// A name that is in the catalog.
    public init(known kind: String) { self.kind = kind }
    /// Every name.
    public static var known: [String] { Catalog.positions.map { $0.kind } }

    /// A trained vector for each position (GPT-2).
    public static let learned = Positions(known: LearnedPositions.kind)
    /// Sines and cosines (Vaswani et al. 2017).
    public static let sinusoidal = Positions(known: SinusoidalPositions.kind)
    /// Turned queries and keys (Su et al. 2021).
    public static let rotary = Positions(known: RotaryPositions.kind)
    /// Not at all.
    public static let none = Positions(known: NoPositions.kind)
  }

  /// How positions are told apart.
  public var positions = Positions.learned
  /// The base of the angles of rotary positions.
  public var rotaryBase = 10_000.0
  /// Multiplies the token vectors; the square root of the width in Vaswani et al. 2017.
  public var scale = 1.0
  /// Dropout of the sum in training.
  public var dropout = 0.0

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<EmbeddingConfig>] {
    [
      Knob("positions", \.positions, "how positions are told apart"),
      Knob("rotary_base", \.rotaryBase, 1...1e9, "base of the angles of rotary positions"),
      Knob("scale", \.scale, 1e-6...1e6, "factor of the token vectors"),
      Knob("dropout", \.dropout, 0...0.99, "dropout of the embeddings in training"),
    ]
  }
}

/// Token and position vectors: integers `[batch, length]` → `[batch, length, width]`.
public struct Embedding: Module {
  /// `[vocabulary, width]`.
  public var tokens: Parameter
  /// What tells positions apart.
  public var positions: any PositionEncoding
  /// The settings.
  public let config: EmbeddingConfig

  /// Normal initial vectors with deviation 0.02 (GPT-2).
  public init(
    _ config: EmbeddingConfig, vocabulary: Int, width: Int, maximumLength: Int,
    _ make: inout Maker
  ) throws(ConfigError) {
    self.config = config
    tokens = make.parameter(
      "tokens", [vocabulary, width], .normal(deviation: 0.02), .embedding)
    positions = try Catalog.positions(config.positions).init(
      config, width: width, maximumLength: maximumLength, &make)
  }

  /// Shows both tables.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.parameter("tokens", &tokens)
    positions.visit(&visitor)
  }

  /// The vectors of tokens whose first one stands at `start`.
  public func callAsFunction(_ ids: Tensor, from start: Int = 0, _ context: inout Context)
    -> Tensor
  {
    let vectors = gatherRows(tokens.value, ids)
    let x = config.scale == 1 ? vectors : vectors * config.scale
    return context.dropout(positions.added(to: x, from: start), rate: config.dropout)
  }
}
