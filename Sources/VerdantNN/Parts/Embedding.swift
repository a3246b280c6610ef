public import VerdantBase
public import VerdantCore

/// Settings of the input side.
public struct EmbeddingConfig: Knobs {
  /// How positions are told apart.
  public enum Positions: String, KnobValue, CaseIterable {
    /// A trained vector for each position (GPT-2).
    case learned
    /// Not at all.
    case none
  }

  /// How positions are told apart.
  public var positions = Positions.learned
  /// Dropout of the sum in training.
  public var dropout = 0.0

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<EmbeddingConfig>] {
    [
      Knob("positions", \.positions, "how positions are told apart"),
      Knob("dropout", \.dropout, 0...0.99, "dropout of the embeddings in training"),
    ]
  }
}

/// Token and position vectors: integers `[batch, length]` → `[batch, length, width]`.
public struct Embedding: Module {
  /// `[vocabulary, width]`.
  public var tokens: Parameter
  /// `[maximumLength, width]`.
  public var positions: Parameter?
  /// The settings.
  public let config: EmbeddingConfig

  /// Normal initial vectors with deviation 0.02 (GPT-2).
  public init(
    _ config: EmbeddingConfig, vocabulary: Int, width: Int, maximumLength: Int,
    _ make: inout Maker
  ) {
    self.config = config
    tokens = make.parameter(
      "tokens", [vocabulary, width], .normal(deviation: 0.02), .embedding)
    positions =
      config.positions == .learned
      ? make.parameter(
        "positions", [maximumLength, width], .normal(deviation: 0.02), .embedding)
      : nil
  }

  /// Shows both tables.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.parameter("tokens", &tokens)
    visitor.optional("positions", &positions)
  }

  /// The vectors of tokens whose first one stands at `start`.
  public func callAsFunction(_ ids: Tensor, from start: Int = 0, _ context: inout Context)
    -> Tensor
  {
    let x = gatherRows(tokens.value, ids)
    guard let positions else { return context.dropout(x, rate: config.dropout) }
    let length = ids.shape[1]
    return context.dropout(
      x + positions.value[start..<start + length], rate: config.dropout)
  }
}
