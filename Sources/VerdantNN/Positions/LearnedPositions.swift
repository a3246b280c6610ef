public import VerdantBase
public import VerdantCore

/// A trained vector for each position (GPT-2).
public struct LearnedPositions: PositionEncoding {
  /// The name in configurations.
  public static let kind = "learned"

  /// `[maximumLength, width]`.
  public var table: Parameter

  /// Normal initial vectors with deviation 0.02 (GPT-2).
  public init(
    _ config: EmbeddingConfig, width: Int, maximumLength: Int, _ make: inout Maker
  ) throws(ConfigError) {
    table = make.parameter(
      "positions", [maximumLength, width], .normal(deviation: 0.02), .embedding)
  }

  /// Shows the table.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.parameter("positions", &table)
  }

  /// The sum with the positions' vectors.
  public func added(to x: Tensor, from start: Int) -> Tensor {
    x + table.value[start..<start + x.shape[1]]
  }
}
