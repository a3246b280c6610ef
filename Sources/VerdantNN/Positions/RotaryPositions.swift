public import VerdantBase
public import VerdantCore

/// Queries and keys turned by the angles of their positions (Su et al. 2021), in every mixer.
public struct RotaryPositions: PositionEncoding {
  /// The name in configurations.
  public static let kind = "rotary"

  /// The base of the angles.
  public let rotaryBase: Double?

  /// Takes the base from the settings.
  public init(
    _ config: EmbeddingConfig, width: Int, maximumLength: Int, _ make: inout Maker
  ) throws(ConfigError) {
    rotaryBase = config.rotaryBase
  }

  /// Nothing to show.
  public mutating func visit(_ visitor: inout some Visitor) {}

  /// The input: mixers see the positions.
  public func added(to x: Tensor, from start: Int) -> Tensor { x }
}
