public import VerdantBase
import VerdantCore
public import VerdantNN

/// LAMB: Adam whose steps have a length in proportion to each parameter's norm, for large batches
/// (You et al. 2020, "Large Batch Optimization for Deep Learning", algorithm 2).
public struct LAMB: Optimizer {
  /// The name in recipes.
  public static let kind = "lamb"

  /// The settings.
  public struct Options: MomentOptions {
    /// Decay of the first moment.
    public var beta1 = 0.9
    /// Decay of the second moment.
    public var beta2 = 0.999
    /// Added to the root of the second moment.
    public var epsilon = 1e-6
    /// Decay of everything but norms and biases.
    public var weightDecay = 0.01
    /// The largest trust ratio; nil for no limit.
    public var largestRatio: Double?
    /// The defaults.
    public init() {}
    /// The declared options.
    public static var knobs: [Knob<Options>] {
      momentKnobs() + [
        Knob("weight_decay", \.weightDecay, 0...10, "decay of all but norms and biases"),
        Knob(
          "largest_ratio", \.largestRatio, 1e-9...1e9, "largest trust ratio; null for no limit"),
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
    var update = LAMBUpdate(
      options.update(step: state.steps, rate: rate, gradientScale: gradientScale),
      largestRatio: options.largestRatio)
    model.update(by: gradients) { name, parameter, gradient in
      // Norms begin at one and biases at zero: their size says nothing about a fitting step.
      let isScaled = parameter.role == .weight || parameter.role == .embedding
      update.usesTrustRatio = isScaled
      update.direction.decay = isScaled ? options.weightDecay : 0
      var (first, second) = state.takeMoments(of: name, like: parameter)
      update.apply(to: &parameter.value, gradient, first: &first, second: &second)
      state.putMoments(first, second, of: name)
    }
  }
}
