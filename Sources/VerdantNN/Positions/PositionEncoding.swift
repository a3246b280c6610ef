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
  /// How those angles change for long sequences; nil for not at all.
  var rotaryScaling: RotaryScaling? { get }
  /// The heads for which there is a bias of scores; nil for none.
  var biasHeads: Int? { get }
  /// What attention adds to the scores of the last `queries` of `keys` tokens, `[heads, queries +
  /// keys - 1]` by distance; nil for nothing. See ``VerdantCore/Attention``.
  func bias(queries: Int, keys: Int, isCausal: Bool) -> Tensor?
}

extension PositionEncoding {
  /// Nil.
  public var rotaryBase: Double? { nil }
  /// Nil.
  public var rotaryScaling: RotaryScaling? { nil }
  /// Nil.
  public var biasHeads: Int? { nil }
  /// Nil.
  public func bias(queries: Int, keys: Int, isCausal: Bool) -> Tensor? { nil }
}
