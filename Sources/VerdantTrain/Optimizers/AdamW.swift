public import VerdantBase
import VerdantCore
public import VerdantNN

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019); decay goes by role.
public struct AdamW: Optimizer {
  /// The name in recipes.
  public static let kind = "adamw"

  /// The settings.
  public struct Options: Knobs {
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
      [
        Knob("beta1", \.beta1, 0...0.999999, "decay of the first moment"),
        Knob("beta2", \.beta2, 0...0.999999, "decay of the second moment"),
        Knob("epsilon", \.epsilon, 1e-30...1, "added to the root of the second moment"),
        Knob("weight_decay", \.weightDecay, 0...10, "decay of the matrices of linear maps"),
      ]
    }
  }

  /// The settings.
  public let options: Options
  /// Steps and both moments of each parameter.
  public var state = OptimizerState()
  /// Two moments.
  public var tensorsPerParameter: Int { 2 }

  /// An optimizer that has done no step.
  public init(_ options: Options = Options()) { self.options = options }

  /// One step.
  public mutating func update(
    _ model: inout some Module, _ gradients: Gradients, rate: Double, gradientScale: Double
  ) {
    state.steps += 1
    var update = AdamWUpdate(
      rate: rate, beta1: options.beta1, beta2: options.beta2, epsilon: options.epsilon, decay: 0,
      step: state.steps, gradientScale: gradientScale)
    model.update(by: gradients) { name, parameter, gradient in
      update.decay = parameter.role == .weight ? options.weightDecay : 0
      var (first, second) = state.takeMoments(of: name, like: parameter)
      update.apply(to: &parameter.value, gradient, first: &first, second: &second)
      state.putMoments(first, second, of: name)
    }
  }
}

extension OptimizerState {
  /// Removes and returns both moments of a parameter, or zeros.
  mutating func takeMoments(of name: String, like parameter: Parameter) -> (Tensor, Tensor) {
    (take("first", of: name, like: parameter), take("second", of: name, like: parameter))
  }

  /// Puts back what ``takeMoments(of:like:)`` gave.
  mutating func putMoments(
    _ first: consuming Tensor, _ second: consuming Tensor, of name: String
  ) {
    put(first, "first", of: name)
    put(second, "second", of: name)
  }
}
