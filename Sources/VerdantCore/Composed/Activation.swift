/// A nonlinearity between linear maps.
public enum Activation: String, Sendable, CaseIterable {
  /// The identity.
  case none
  /// GELU in its tanh form (Hendrycks and Gimpel 2016).
  case gelu
  /// max(x, 0).
  case relu
  /// x sigmoid(x) (Elfwing et al. 2018).
  case silu

  /// The definition, from basic operations.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .none: x
    case .gelu:
      x * 0.5 * (tanh((x + x * x * x * 0.044715) * 0.7978845608028654) + 1)
    case .relu: maximum(x, .zeros([1], on: x.backend))
    case .silu: x / (exp(-x) + 1)
    }
  }

  /// Operations for one element.
  var operations: Double {
    switch self {
    case .none: 0
    case .gelu: 8
    case .relu: 1
    case .silu: 4
    }
  }
}
