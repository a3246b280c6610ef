import VerdantBase
internal import CVerdant

/// One step of stochastic gradient descent with momentum for one parameter, as in `torch.optim.SGD`
/// without dampening (Sutskever et al. 2013, section 2).
public struct SGDUpdate: Sendable, Equatable {
  /// The learning rate.
  public var rate: Double
  /// Decay of the velocity.
  public var momentum: Double
  /// True to step with the velocity one step ahead (Nesterov).
  public var nesterov: Bool
  /// Weight decay added to the gradient.
  public var penalty: Double
  /// Decoupled weight decay, multiplied by the rate.
  public var decay: Double
  /// Multiplies the gradient: the clipping factor.
  public var gradientScale: Double

  /// Makes an update.
  public init(
    rate: Double, momentum: Double, nesterov: Bool, penalty: Double = 0, decay: Double = 0,
    gradientScale: Double = 1
  ) {
    self.rate = rate
    self.momentum = momentum
    self.nesterov = nesterov
    self.penalty = penalty
    self.decay = decay
    self.gradientScale = gradientScale
  }

  /// Changes weights and velocity in place.
  public func apply(to weights: inout Tensor, _ gradient: Tensor, velocity: inout Tensor) {
    require(
      weights.shape == gradient.shape && weights.shape == velocity.shape,
      "[sgd] shapes \(weights.shape), \(gradient.shape), \(velocity.shape)")
    velocity.withUnsafeMutableElements(as: Float.self) { run(&weights, gradient, $0.baseAddress) }
  }

  /// Changes weights in place, without momentum.
  public func apply(to weights: inout Tensor, _ gradient: Tensor) {
    require(
      weights.shape == gradient.shape, "[sgd] shapes \(weights.shape), \(gradient.shape)")
    run(&weights, gradient, nil)
  }

  private func run(
    _ weights: inout Tensor, _ gradient: Tensor, _ velocity: UnsafeMutablePointer<Float>?
  ) {
    var settings = vd_sgd_settings(
      rate: Float(rate), momentum: Float(momentum), penalty: Float(penalty), decay: Float(decay),
      gradient_scale: Float(gradientScale), nesterov: nesterov)
    let count = weights.count
    gradient.withUnsafeElements(as: Float.self) { g in
      weights.withUnsafeMutableElements(as: Float.self) { w in
        guard count > 0, let w = w.baseAddress, let g = g.baseAddress else { return }
        vd_sgd(&settings, count, w, g, velocity)
      }
    }
  }
}
