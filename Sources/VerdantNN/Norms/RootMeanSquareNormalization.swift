import VerdantBase
public import VerdantCore

/// Root mean square normalization (Zhang and Sennrich 2019): no mean is taken off, no bias added.
public enum RootMeanSquareNormalization: Normalization {
  /// The name in configurations.
  public static let kind = "rms-norm"
  /// True.
  public static var hasScale: Bool { true }
  /// False.
  public static var hasBias: Bool { false }

  /// `x / sqrt(mean(x²) + ε) · scale`.
  public static func normalized(
    _ x: Tensor, scale: Tensor?, bias: Tensor?, epsilon: Double, isNarrow: Bool
  ) -> Tensor {
    guard let scale else { trap("[rms-norm] no scale") }
    return rmsNorm(x, scale: scale, epsilon: epsilon, isNarrow: isNarrow)
  }
}
