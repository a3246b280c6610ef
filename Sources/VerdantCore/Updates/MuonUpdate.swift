public import VerdantBase
internal import CVerdant

/// One step of Muon for one matrix (Jordan 2024, "Muon: An optimizer for hidden layers in neural
/// networks").
public struct MuonUpdate: Sendable, Equatable {
  /// How long a step is for a matrix of some shape.
  public enum Scale: String, KnobValue, CaseIterable {
    /// `√max(1, rows / columns)` times the rate (Jordan 2024).
    case original
    /// `0.2 √max(rows, columns)` times the rate: the root mean square of Adam's steps, so that a
    /// rate tuned for AdamW stays right (Liu et al. 2025, "Muon is Scalable for LLM Training",
    /// section 2.2).
    case matchAdamW = "match-rms-adamw"

    /// The factor of the rate for a matrix `[rows, columns]`.
    public func factor(rows: Int, columns: Int) -> Double {
      switch self {
      case .original: max(1, Double(rows) / Double(columns)).squareRoot()
      case .matchAdamW: 0.2 * Double(max(rows, columns)).squareRoot()
      }
    }
  }

  /// The learning rate.
  public var rate: Double
  /// Decay of the mean gradient.
  public var momentum: Double
  /// True to orthogonalize the mean one step ahead (Nesterov).
  public var nesterov: Bool
  /// Steps of the Newton-Schulz iteration.
  public var iterations: Int
  /// How long a step is for a matrix of some shape.
  public var scale: Scale
  /// Decoupled weight decay, multiplied by the rate.
  public var decay: Double
  /// Multiplies the gradient: the clipping factor.
  public var gradientScale: Double

  /// Makes an update.
  public init(
    rate: Double, momentum: Double = 0.95, nesterov: Bool = true, iterations: Int = 5,
    scale: Scale = .original, decay: Double = 0, gradientScale: Double = 1
  ) {
    self.rate = rate
    self.momentum = momentum
    self.nesterov = nesterov
    self.iterations = iterations
    self.scale = scale
    self.decay = decay
    self.gradientScale = gradientScale
  }

  /// Changes weights `[rows, columns]` and the mean gradient in place.
  public func apply(to weights: inout Tensor, _ gradient: Tensor, mean: inout Tensor) {
    require(
      weights.shape.rank == 2 && weights.shape == gradient.shape && weights.shape == mean.shape,
      "[muon] shapes \(weights.shape), \(gradient.shape), \(mean.shape); one matrix expected")
    let (rows, columns) = (weights.shape[0], weights.shape[1])
    guard weights.count > 0 else { return }
    weights.step(
      rate: rate * scale.factor(rows: rows, columns: columns),
      orthogonalized(direction(gradient, &mean), iterations: iterations),
      keeping: 1 - rate * decay)
  }

  /// Adds a gradient to the mean; returns the mean, or with ``nesterov`` the mean one step ahead.
  func direction(_ gradient: Tensor, _ mean: inout Tensor) -> Tensor {
    let count = gradient.count
    var result = Tensor(gradient.backend.allocate(count, .float32), shape: gradient.shape)
    gradient.withUnsafeElements(as: Float.self) { g in
      mean.withUnsafeMutableElements(as: Float.self) { m in
        result.withUnsafeMutableElements(as: Float.self) { u in
          guard let g = g.baseAddress, let m = m.baseAddress, let u = u.baseAddress else { return }
          vd_average(Float(momentum), nesterov, Float(gradientScale), count, g, m, u)
        }
      }
    }
    return result
  }
}

extension Tensor {
  /// `keeping · self - rate · update`, in place.
  mutating func step(rate: Double, _ update: Tensor, keeping: Double = 1) {
    let count = self.count
    update.withUnsafeElements(as: Float.self) { u in
      withUnsafeMutableElements(as: Float.self) { w in
        guard let u = u.baseAddress, let w = w.baseAddress else { return }
        vd_step(Float(keeping), Float(rate), count, u, w)
      }
    }
  }
}
