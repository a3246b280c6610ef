import VerdantBase
internal import CVerdant

/// One step of Adam with decoupled decay for one parameter (Kingma and Ba 2015, algorithm 1;
/// Loshchilov and Hutter 2019, algorithm 2).
public struct AdamWUpdate: Sendable, Equatable {
  /// The learning rate.
  public var rate: Double
  /// Decay of the first moment.
  public var beta1: Double
  /// Decay of the second moment.
  public var beta2: Double
  /// Added to the root of the second moment.
  public var epsilon: Double
  /// Decoupled weight decay, multiplied by the rate.
  public var decay: Double
  /// The step, from 1.
  public var step: Int
  /// Multiplies the gradient: the clipping factor.
  public var gradientScale: Double

  /// Makes an update.
  public init(
    rate: Double, beta1: Double, beta2: Double, epsilon: Double, decay: Double, step: Int,
    gradientScale: Double = 1
  ) {
    self.rate = rate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.decay = decay
    self.step = step
    self.gradientScale = gradientScale
  }

  var settings: vd_adamw_settings {
    vd_adamw_settings(
      rate: Float(rate), beta1: Float(beta1), beta2: Float(beta2), epsilon: Float(epsilon),
      decay: Float(decay), correction1: biasCorrection(beta1, step),
      correction2: biasCorrection(beta2, step), gradient_scale: Float(gradientScale))
  }

  /// Changes weights and moments in place; copies nothing when each is the only user of its
  /// memory.
  public func apply(
    to weights: inout Tensor, _ gradient: Tensor, first: inout Tensor, second: inout Tensor
  ) {
    require(
      weights.shape == gradient.shape && weights.shape == first.shape
        && weights.shape == second.shape,
      "[adamw] shapes \(weights.shape), \(gradient.shape), \(first.shape), \(second.shape)"
    )
    var settings = self.settings
    let count = weights.count
    guard count > 0 else { return }
    gradient.withUnsafeElements(as: Float.self) { g in
      weights.withUnsafeMutableElements(as: Float.self) { w in
        first.withUnsafeMutableElements(as: Float.self) { m in
          second.withUnsafeMutableElements(as: Float.self) { v in
            guard let w = w.baseAddress, let g = g.baseAddress, let m = m.baseAddress,
              let v = v.baseAddress
            else { return }
            vd_adamw(&settings, count, w, g, m, v)
          }
        }
      }
    }
  }
}

/// The sum of the squares of all elements, in double precision and a fixed order; NaN on a backend
/// without numbers.
public func sumOfSquares(_ x: Tensor) -> Double {
  guard x.storage.base != nil else { return .nan }
  guard x.dtype == .float32 else { return x.doubles.reduce(0) { $0 + $1 * $1 } }
  return x.withUnsafeElements(as: Float.self) { elements in
    guard let start = elements.baseAddress else { return 0 }
    return vd_sum_of_squares(elements.count, start)
  }
}

extension Tensor {
  /// Writes rows `[batch, new, width]` into this tensor `[batch, capacity, width]` from row
  /// `start` of each batch entry on.
  public mutating func writeRows(_ rows: Tensor, at start: Int) {
    require(
      shape.rank == 3 && rows.shape.rank == 3 && rows.shape[0] == shape[0]
        && rows.shape[2] == shape[2] && start + rows.shape[1] <= shape[1]
        && rows.dtype == dtype,
      "[write] rows \(rows.shape) at \(start) of \(shape)"
    )
    let entry = shape[1] * shape[2]
    let piece = rows.shape[1] * rows.shape[2]
    let offset = start * shape[2]
    let batch = shape[0]
    rows.withUnsafeElements(as: Float.self) { source in
      withUnsafeMutableElements(as: Float.self) { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        for index in 0..<batch {
          (to + index * entry + offset).update(from: from + index * piece, count: piece)
        }
      }
    }
  }
}
