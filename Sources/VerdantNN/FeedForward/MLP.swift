public import VerdantBase
public import VerdantCore

/// Two linear maps with an activation between: `down(activation(up(x)))`.
public struct MLP: FeedForward {
  /// The name in configurations.
  public static let kind = "mlp"

  /// The settings.
  public struct Options: Knobs {
    /// The inner width; nil for four times the width.
    public var hidden: Int?
    /// The nonlinearity.
    public var activation = Activation.gelu
    /// True when the maps add a bias.
    public var bias = true
    /// Dropout of the output in training.
    public var dropout = 0.0
    /// The defaults.
    public init() {}
    /// The declared options.
    public static var knobs: [Knob<Options>] {
      [
        Knob("hidden", \.hidden, 1...(1 << 24), "inner width; four times the width by default"),
        Knob("activation", \.activation, "the nonlinearity"),
        Knob("bias", \.bias, "whether the maps add a bias"),
        Knob("dropout", \.dropout, 0...0.99, "dropout of the output in training"),
      ]
    }
  }

  /// `width` → `hidden`.
  public var up: any LinearMap
  /// `hidden` → `width`.
  public var down: any LinearMap
  /// The settings.
  public let options: Options

  /// Builds the two maps.
  public init(_ options: Options, width: Int, _ make: inout Maker) throws(ConfigError) {
    let hidden = options.hidden ?? 4 * width
    self.options = options
    up = try make.linear("up", width, hidden, bias: options.bias)
    down = try make.linear("down", hidden, width, bias: options.bias, gain: make.residualGain)
  }

  /// Shows the two maps.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.linear("up", &up)
    visitor.linear("down", &down)
  }

  /// Transforms tokens, and adds them to `residual`.
  public func callAsFunction(_ x: Tensor, adding residual: Tensor?, _ context: inout Context)
    -> Tensor
  {
    let inner = up(x, activation: options.activation, &context)
    return down(inner, adding: residual, dropout: options.dropout, &context)
  }

  /// Settings for checks.
  public static var examples: [Options] {
    var relu = Options()
    relu.activation = .relu
    relu.hidden = 11
    relu.bias = false
    return [Options(), relu]
  }
}

extension Activation: KnobValue {}
