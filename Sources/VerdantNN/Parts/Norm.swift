public import VerdantBase
public import VerdantCore

/// Settings of a normalization.
public struct NormConfig: Knobs {
  /// The name of a normalization in the catalog.
  public struct Kind: CatalogName {
    /// The name.
    public let kind: String
    /// A name that is in the catalog.
    public init(known kind: String) { self.kind = kind }
    /// Every name.
    public static var known: [String] { Catalog.norms.map { $0.kind } }

    /// Layer normalization (Ba et al. 2016).
    public static let layerNorm = Kind(known: LayerNormalization.kind)
    /// Root mean square normalization (Zhang and Sennrich 2019).
    public static let rmsNorm = Kind(known: RootMeanSquareNormalization.kind)
    /// The identity.
    public static let none = Kind(known: NoNormalization.kind)
  }

  /// Which one.
  public var kind = Kind.layerNorm
  /// Added to the variance or mean square.
  public var epsilon = 1e-5
  /// True when a bias is added, where the kind has one.
  public var bias = true

  /// The defaults.
  public init() {}
  /// A kind with the other defaults.
  public init(_ kind: Kind) { self.kind = kind }
  /// The declared options.
  public static var knobs: [Knob<NormConfig>] {
    [
      Knob("kind", \.kind, "which normalization"),
      Knob("epsilon", \.epsilon, 1e-12...1, "added to the variance or mean square"),
      Knob("bias", \.bias, "whether a bias is added, where the kind has one"),
    ]
  }
}

/// Normalizes each token: `[..., width]` → the same shape.
public struct Norm: Module {
  /// `[width]`, where the kind has one.
  public var scale: Parameter?
  /// `[width]`.
  public var bias: Parameter?
  /// The settings.
  public let config: NormConfig
  private let type: any Normalization.Type

  /// Scale 1, bias 0.
  public init(_ config: NormConfig, width: Int, _ make: inout Maker) {
    self.config = config
    type = Catalog.norm(config.kind)
    scale = type.hasScale ? make.parameter("scale", [width], .ones, .scale) : nil
    bias =
      type.hasBias && config.bias ? make.parameter("bias", [width], .zeros, .bias) : nil
  }

  /// Shows scale and bias.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.optional("scale", &scale)
    visitor.optional("bias", &bias)
  }

  /// Normalizes, with a result in the form that products read.
  public func callAsFunction(_ x: Tensor, _ precision: Precision = .float32) -> Tensor {
    type.normalized(
      x, scale: scale?.value, bias: bias?.value, epsilon: config.epsilon,
      isNarrow: precision == .bfloat16)
  }
}
