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

  private struct Moments: Sendable {
    var first: Tensor
    var second: Tensor
  }

  /// The settings.
  public let options: Options
  private var moments: [String: Moments] = [:]
  private var steps = 0

  /// An optimizer that has done no step.
  public init(_ options: Options = Options()) { self.options = options }

  /// One step.
  public mutating func update(
    _ model: inout some Module, _ gradients: Gradients, rate: Double, gradientScale: Double
  ) {
    steps += 1
    var update = AdamWUpdate(
      rate: rate, beta1: options.beta1, beta2: options.beta2, epsilon: options.epsilon, decay: 0,
      step: steps, gradientScale: gradientScale)
    model.updateParameters { name, parameter in
      guard parameter.isTrainable, let gradient = gradients[name] else { return }
      update.decay = parameter.role == .weight ? options.weightDecay : 0
      let value = parameter.value
      var state =
        moments.removeValue(forKey: name)
        ?? Moments(
          first: .zeros(value.shape, on: value.backend),
          second: .zeros(value.shape, on: value.backend))
      _ = consume value
      update.apply(to: &parameter.value, gradient, first: &state.first, second: &state.second)
      moments[name] = state
    }
  }
}
