public import VerdantCore

/// A way to normalize tokens; ``Norm`` keeps its parameters.
public protocol Normalization: Sendable {
  /// The name in configurations.
  static var kind: String { get }
  /// Whether it multiplies by a scale `[width]`.
  static var hasScale: Bool { get }
  /// Whether it can add a bias `[width]`.
  static var hasBias: Bool { get }
  /// Normalizes `[..., width]` to the same shape, in bf16 when `isNarrow`.
  static func normalized(
    _ x: Tensor, scale: Tensor?, bias: Tensor?, epsilon: Double, isNarrow: Bool
  ) -> Tensor
}
