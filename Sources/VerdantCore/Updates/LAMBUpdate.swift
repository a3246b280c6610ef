import VerdantBase
internal import CVerdant

/// One step of LAMB for one parameter (You et al. 2020, algorithm 2).
public struct LAMBUpdate: Sendable, Equatable {
  /// The direction: Adam with bias correction, plus decay times the weights.
  public var direction: AdamWUpdate
  /// True to multiply the rate by the trust ratio `‖weights‖ / ‖direction‖`; it is 1 where either
  /// norm is zero.
  public var usesTrustRatio: Bool
  /// The largest trust ratio; nil for no limit.
  public var largestRatio: Double?

  /// Makes an update.
  public init(_ direction: AdamWUpdate, usesTrustRatio: Bool = true, largestRatio: Double? = nil) {
    self.direction = direction
    self.usesTrustRatio = usesTrustRatio
    self.largestRatio = largestRatio
  }

  /// Changes weights and moments in place.
  public func apply(
    to weights: inout Tensor, _ gradient: Tensor, first: inout Tensor, second: inout Tensor
  ) {
    require(
      weights.shape == gradient.shape && weights.shape == first.shape
        && weights.shape == second.shape,
      "[lamb] shapes \(weights.shape), \(gradient.shape), \(first.shape), \(second.shape)")
    let count = weights.count
    guard count > 0 else { return }
    var settings = direction.settings
    var update = Tensor(weights.backend.allocate(count, .float32), shape: weights.shape)
    var squares = [0.0, 0.0]
    weights.withUnsafeElements(as: Float.self) { w in
      gradient.withUnsafeElements(as: Float.self) { g in
        first.withUnsafeMutableElements(as: Float.self) { m in
          second.withUnsafeMutableElements(as: Float.self) { v in
            update.withUnsafeMutableElements(as: Float.self) { u in
              guard let w = w.baseAddress, let g = g.baseAddress, let m = m.baseAddress,
                let v = v.baseAddress, let u = u.baseAddress
              else { return }
              vd_lamb(&settings, count, w, g, m, v, u, &squares)
            }
          }
        }
      }
    }
    weights.step(rate: direction.rate * ratio(squares[0], squares[1]), update)
  }

  private func ratio(_ weights: Double, _ update: Double) -> Double {
    guard usesTrustRatio, weights > 0, update > 0 else { return 1 }
    return min((weights / update).squareRoot(), largestRatio ?? .infinity)
  }
}
