public import VerdantBase
import VerdantCore
public import VerdantNN

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019); decay goes by role.
public struct AdamW: Optimizer {
  /// The name in recipes.
  public static let kind = "adamw"

  /// The settings.
  public struct Options: MomentOptions {
    /// Decay of the first moment.
    public var beta1 = 0.9
    /// Decay of the second moment.
    public var beta2 = 0.95
    /// Added to the root of the second moment.
    public var epsilon = 1e-8
    /// Decay of matrices of linear maps; embeddings, norms and biases have none.
    public var weightDecay = 0.1
    /// The defaults.
    public init() {}
    /// The declared options.
    public static var knobs: [Knob<Options>] {
      momentKnobs() + [
        Knob("weight_decay", \.weightDecay, 0...10, "decay of the matrices of linear maps")
      ]
    }
  }

  /// The settings.
  public let options: Options
  /// Steps and both moments of each parameter.
  public var state = OptimizerState()
  /// Both moments.
  public static let slots = ["first", "second"]
  /// Two moments.
  public var tensorsPerParameter: Int { 2 }

  /// An optimizer that has done no step.
  public init(_ options: Options = Options()) { self.options = options }

  /// One step.
  public mutating func update(
    _ model: inout some Module, _ gradients: Gradients, rate: Double, gradientScale: Double
  ) {
    state.steps += 1
    var update = options.update(step: state.steps, rate: rate, gradientScale: gradientScale)
    model.update(by: gradients) { name, parameter, gradient in
      update.decay = parameter.role == .weight ? options.weightDecay : 0
      var (first, second) = state.takeMoments(of: name, like: parameter)
      update.apply(to: &parameter.value, gradient, first: &first, second: &second)
      state.putMoments(first, second, of: name)
    }
  }
}
