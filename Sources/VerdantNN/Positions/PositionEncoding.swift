public import VerdantBase
public import VerdantCore

/// How a model tells positions apart. Parameters lie beside those of ``Embedding``.
public protocol PositionEncoding: Module {
  /// The name in configurations.
  static var kind: String { get }
  /// Builds the encoding; throws when the settings do not fit the width.
  init(
    _ config: EmbeddingConfig, width: Int, maximumLength: Int, _ make: inout Maker
  ) throws(ConfigError)
  /// Token vectors `[batch, length, width]`, the first at position `start`, with what the encoding
  /// adds to them.
  func added(to x: Tensor, from start: Int) -> Tensor
  /// The base of the angles by which token mixers turn queries and keys; nil for none.
  var rotaryBase: Double? { get }
}

extension PositionEncoding {
  /// Nil.
  public var rotaryBase: Double? { nil }
}
