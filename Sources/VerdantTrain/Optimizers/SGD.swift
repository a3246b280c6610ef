public import VerdantBase
import VerdantCore
public import VerdantNN

/// Stochastic gradient descent with momentum, as `torch.optim.SGD` without dampening (Sutskever et
/// al. 2013, "On the importance of initialization and momentum in deep learning").
public struct SGD: Optimizer {
  /// The name in recipes.
  public static let kind = "sgd"

  /// The settings.
  public struct Options: Knobs {
    /// Decay of the velocity; 0 for no momentum and no state.
    public var momentum = 0.9
    /// True to step with the velocity one step ahead.
    public var nesterov = false
    /// Decay of matrices of linear maps; embeddings, norms and biases have none.
    public var weightDecay = 0.0
    /// True for decay apart from the gradient (Loshchilov and Hutter 2019, algorithm 1), false for
    /// decay as a part of it.
    public var decoupled = false
    /// The defaults.
    public init() {}
    /// The declared options.
    public static var knobs: [Knob<Options>] {
      [
        Knob("momentum", \.momentum, 0...0.999999, "decay of the velocity; 0 for no momentum"),
        Knob("nesterov", \.nesterov, "step with the velocity one step ahead"),
        Knob("weight_decay", \.weightDecay, 0...10, "decay of the matrices of linear maps"),
        Knob("decoupled", \.decoupled, "decay apart from the gradient, as in adamw"),
      ]
    }
  }

  /// The settings.
  public let options: Options
  /// Steps and the velocity of each parameter.
  public var state = OptimizerState()
  /// The velocity.
  public static let slots = ["velocity"]
  /// One velocity, or nothing.
  public var tensorsPerParameter: Int { options.momentum == 0 ? 0 : 1 }

  /// An optimizer that has done no step.
  public init(_ options: Options = Options()) { self.options = options }

  /// One step.
  public mutating func update(
    _ model: inout some Module, _ gradients: Gradients, rate: Double, gradientScale: Double
  ) {
    state.steps += 1
    var update = SGDUpdate(
      rate: rate, momentum: options.momentum, nesterov: options.nesterov,
      gradientScale: gradientScale)
    model.update(by: gradients) { name, parameter, gradient in
      let decay = parameter.role == .weight ? options.weightDecay : 0
      update.decay = options.decoupled ? decay : 0
      update.penalty = options.decoupled ? 0 : decay
      guard options.momentum > 0 else {
        return update.apply(to: &parameter.value, gradient)
      }
      var velocity = state.take("velocity", of: name, like: parameter)
      update.apply(to: &parameter.value, gradient, velocity: &velocity)
      state.put(velocity, "velocity", of: name)
    }
  }
}
