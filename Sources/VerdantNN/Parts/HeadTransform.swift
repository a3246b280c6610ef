public import VerdantBase
public import VerdantCore

/// What last vectors pass on their way to the logits of tokens: `norm(activation(map(x)))`, the head
/// of masked language models (Devlin et al. 2019).
public struct HeadTransform: Module {
  /// The settings.
  public struct Options: Knobs {
    /// The nonlinearity.
    public var activation = Activation.geluExact
    /// The normalization.
    public var norm = NormConfig()
    /// The defaults.
    public init() {}
    /// The declared options.
    public static var knobs: [Knob<Options>] {
      [
        Knob("activation", \.activation, "the nonlinearity"),
        Knob("norm", \.norm, "the normalization"),
      ]
    }
  }

  /// `width` → `width`.
  public var map: any LinearMap
  /// Of the result.
  public var norm: Norm
  /// The settings.
  public let options: Options

  /// Builds the map.
  init(_ options: Options, width: Int, _ make: inout Maker) throws(ConfigError) {
    self.options = options
    map = try make.linear("map", width, width)
    norm = make.inside("norm") { Norm(options.norm, width: width, &$0) }
  }

  /// Shows the map and the normalization.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.linear("map", &map)
    visitor.part("norm", &norm)
  }

  /// `[…, width]` → the same shape.
  public func callAsFunction(_ x: Tensor, _ context: inout Context) -> Tensor {
    norm(map(x, activation: options.activation, &context), context.precision)
  }
}
