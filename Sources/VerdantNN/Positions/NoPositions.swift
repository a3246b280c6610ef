public import VerdantBase
public import VerdantCore

/// Positions are not told apart, but by what a mask or a mixer shows.
public struct NoPositions: PositionEncoding {
  /// The name in configurations.
  public static let kind = "none"

  /// Needs nothing.
  public init(
    _ config: EmbeddingConfig, width: Int, maximumLength: Int, _ make: inout Maker
  ) throws(ConfigError) {}

  /// Nothing to show.
  public mutating func visit(_ visitor: inout some Visitor) {}

  /// The input.
  public func added(to x: Tensor, from start: Int) -> Tensor { x }
}
