import VerdantBase
public import VerdantCore

/// Layer normalization (Ba et al. 2016): mean 0 and variance 1, then a scale and a bias.
public enum LayerNormalization: Normalization {
  /// The name in configurations.
  public static let kind = "layer-norm"
  /// True.
  public static var hasScale: Bool { true }
  /// True.
  public static var hasBias: Bool { true }

  /// `(x - mean) / sqrt(variance + ε) · scale + bias`.
  public static func normalized(
    _ x: Tensor, scale: Tensor?, bias: Tensor?, epsilon: Double, isNarrow: Bool
  ) -> Tensor {
    guard let scale else { trap("[layer-norm] no scale") }
    return layerNorm(x, scale: scale, bias: bias, epsilon: epsilon, isNarrow: isNarrow)
  }
}
