public import VerdantCore

/// The identity: for the end of a model whose blocks normalize their outputs.
public enum NoNormalization: Normalization {
  /// The name in configurations.
  public static let kind = "none"
  /// False.
  public static var hasScale: Bool { false }
  /// False.
  public static var hasBias: Bool { false }

  /// The input.
  public static func normalized(
    _ x: Tensor, scale: Tensor?, bias: Tensor?, epsilon: Double, isNarrow: Bool
  ) -> Tensor {
    isNarrow ? x.cast(to: .bfloat16) : x
  }
}
