public import VerdantBase
public import VerdantCore

/// Settings of a normalization.
public struct NormConfig: Knobs {
  /// The kinds that exist.
  public enum Kind: String, KnobValue, CaseIterable {
    /// Layer normalization (Ba et al. 2016).
    case layerNorm = "layer-norm"
  }

  /// Which one.
  public var kind = Kind.layerNorm
  /// Added to the variance.
  public var epsilon = 1e-5
  /// True when a bias is added.
  public var bias = true

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<NormConfig>] {
    [
      Knob("kind", \.kind, "which normalization"),
      Knob("epsilon", \.epsilon, 1e-12...1, "added to the variance"),
      Knob("bias", \.bias, "whether a bias is added"),
    ]
  }
}

/// Normalizes each token: `[..., width]` → the same shape.
public struct Norm: Module {
  /// `[width]`.
  public var scale: Parameter
  /// `[width]`.
  public var bias: Parameter?
  /// The settings.
  public let config: NormConfig

  /// Scale 1, bias 0.
  public init(_ config: NormConfig, width: Int, _ make: inout Maker) {
    self.config = config
    scale = make.parameter("scale", [width], .ones, .scale)
    bias = config.bias ? make.parameter("bias", [width], .zeros, .bias) : nil
  }

  /// Shows scale and bias.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.parameter("scale", &scale)
    visitor.optional("bias", &bias)
  }

  /// Normalizes, with a result in the form that products read.
  public func callAsFunction(_ x: Tensor, _ precision: Precision = .float32) -> Tensor {
    layerNorm(
      x, scale: scale.value, bias: bias?.value, epsilon: config.epsilon,
      isNarrow: precision == .bfloat16)
  }
}
