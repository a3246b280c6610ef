/// A nonlinearity between linear maps.
public enum Activation: String, Sendable, CaseIterable {
  /// The identity.
  case none
  /// GELU in its tanh form (Hendrycks and Gimpel 2016).
  case gelu
  /// GELU as defined, with the error function: x times the normal distribution below x.
  case geluExact = "gelu-exact"
  /// max(x, 0).
  case relu
  /// x sigmoid(x) (Elfwing et al. 2018).
  case silu
  /// The hyperbolic tangent.
  case tanh

  /// The definition, from basic operations.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .none: x
    case .gelu:
      x * 0.5 * (VerdantCore.tanh((x + x * x * x * 0.044715) * 0.7978845608028654) + 1)
    case .geluExact: x * 0.5 * (errorFunction(x * 0.5.squareRoot()) + 1)
    case .relu: maximum(x, .zeros([1], on: x.backend))
    case .silu: x / (exp(-x) + 1)
    case .tanh: VerdantCore.tanh(x)
    }
  }

  /// The error function, by its series `2/√π · exp(-x²) · Σ 2ⁿ x²ⁿ⁺¹ / (2n + 1)!!`, whose terms are all
  /// of one sign; beyond 6 it is 1 in f64.
  private func errorFunction(_ x: Tensor) -> Tensor {
    let six = Tensor.zeros([1], on: x.backend) + 6
    let near = -maximum(-maximum(x, -six), -six)
    let square = near * near
    var (term, sum) = (near, near)
    for n in 1...140 {
      term = term * square * (2 / Double(2 * n + 1))
      sum = sum + term
    }
    return sum * exp(-square) * (2 / Double.pi.squareRoot())
  }

  /// Operations for one element.
  var operations: Double {
    switch self {
    case .none: 0
    case .gelu: 8
    case .geluExact: 24
    case .relu: 1
    case .silu: 4
    case .tanh: 4
    }
  }
}
