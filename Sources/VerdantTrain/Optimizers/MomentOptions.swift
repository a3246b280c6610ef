import VerdantBase
import VerdantCore
import VerdantNN

/// The settings of optimizers that divide a mean of the gradient by the root of a mean of its squares
/// (Kingma and Ba 2015, "Adam: A method for stochastic optimization").
protocol MomentOptions: Knobs {
  /// Decay of the first moment.
  var beta1: Double { get set }
  /// Decay of the second moment.
  var beta2: Double { get set }
  /// Added to the root of the second moment.
  var epsilon: Double { get set }
}

extension MomentOptions {
  /// The options of the moments.
  ///
  /// - Parameter owner: Whose moments they are, for the help.
  static func momentKnobs(of owner: String = "the") -> [Knob<Self>] {
    [
      Knob("beta1", \.beta1, 0...0.999999, "decay of \(owner) first moment"),
      Knob("beta2", \.beta2, 0...0.999999, "decay of \(owner) second moment"),
      Knob("epsilon", \.epsilon, 1e-30...1, "added to the root of \(owner) second moment"),
    ]
  }

  /// A step of Adam without decay, which goes by parameter.
  func update(step: Int, rate: Double, gradientScale: Double) -> AdamWUpdate {
    AdamWUpdate(
      rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: 0, step: step,
      gradientScale: gradientScale)
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
