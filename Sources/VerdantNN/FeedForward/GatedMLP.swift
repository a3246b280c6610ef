public import VerdantBase
public import VerdantCore

/// Three linear maps, one of which gates another: `down(activation(gate(x)) · up(x))`
/// (Shazeer 2020): SwiGLU with `silu`, GeGLU with `gelu`, ReGLU with `relu`.
public struct GatedMLP: FeedForward {
  /// The name in configurations.
  public static let kind = "gated-mlp"

  /// The settings.
  public struct Options: Knobs {
    /// The inner width; nil for `8/3` of the width in steps of 8.
    public var hidden: Int?
    /// The nonlinearity of the gate.
    public var activation = Activation.silu
    /// True when the maps add a bias.
    public var bias = true
    /// Dropout of the output in training.
    public var dropout = 0.0
    /// The defaults.
    public init() {}
    /// The declared options.
    public static var knobs: [Knob<Options>] {
      [
        Knob(
          "hidden", \.hidden, 1...(1 << 24),
          "inner width; 8/3 of the width by default, which has the weights of a plain network"),
        Knob("activation", \.activation, "the nonlinearity of the gate"),
        Knob("bias", \.bias, "whether the maps add a bias"),
        Knob("dropout", \.dropout, 0...0.99, "dropout of the output in training"),
      ]
    }

    /// The inner width for a width: two thirds of a plain network's, so that three maps have the
    /// weights of two (Shazeer 2020, section 3), rounded up to steps of 8.
    public func hidden(for width: Int) -> Int { hidden ?? ((8 * width + 2) / 3 + 7) / 8 * 8 }
  }

  /// `width` → `hidden`, before the nonlinearity.
  public var gate: any LinearMap
  /// `width` → `hidden`.
  public var up: any LinearMap
  /// `hidden` → `width`.
  public var down: any LinearMap
  /// The settings.
  public let options: Options

  /// Builds the three maps.
  public init(_ options: Options, width: Int, _ make: inout Maker) throws(ConfigError) {
    let hidden = options.hidden(for: width)
    self.options = options
    gate = try make.linear("gate", width, hidden, bias: options.bias)
    up = try make.linear("up", width, hidden, bias: options.bias)
    down = try make.linear("down", hidden, width, bias: options.bias, gain: make.residualGain)
  }

  /// Shows the three maps.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.linear("gate", &gate)
    visitor.linear("up", &up)
    visitor.linear("down", &down)
  }

  /// Transforms tokens, and adds them to `residual`.
  public func callAsFunction(_ x: Tensor, adding residual: Tensor?, _ context: inout Context)
    -> Tensor
  {
    let inner = gatedUnit(gate(x, &context), up(x, &context), options.activation)
    return down(inner, adding: residual, dropout: options.dropout, &context)
  }

  /// Settings for checks.
  public static var examples: [Options] {
    func with(_ activation: Activation) -> Options {
      var options = Options()
      options.activation = activation
      options.hidden = 11
      options.bias = false
      return options
    }
    return [Options(), with(.gelu), with(.relu), with(.none)]
  }
}
