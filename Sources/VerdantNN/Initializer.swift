public import VerdantBase
public import VerdantCore

/// How a parameter begins.
public enum Initializer: Sendable {
  /// All zeros.
  case zeros
  /// All ones.
  case ones
  /// Normal around 0.
  case normal(deviation: Double)
  /// Uniform between `-bound` and `bound`.
  case uniform(bound: Double)
  /// Given numbers.
  case values(Tensor)

  /// The initial tensor; it depends on the stream and the shape alone.
  public func tensor(_ shape: Shape, _ stream: RandomSource, on backend: any Backend) -> Tensor {
    switch self {
    case .zeros: return .zeros(shape, on: backend)
    case .ones: return .ones(shape, on: backend)
    case .normal(let deviation):
      return .random(shape, .normal(deviation: deviation), stream, on: backend)
    case .uniform(let bound):
      return .random(shape, .uniform(low: -bound, high: bound), stream, on: backend)
    case .values(let tensor):
      require(
        tensor.shape == shape, "[initializer] values \(tensor.shape) for a parameter \(shape)")
      return tensor
    }
  }

  /// The deviation that linear maps and spectral draws begin with: 0.02 as GPT-2, which suits
  /// widths of 768 and more; below, `1 / sqrt(3 · inputs)` keeps the output's variance.
  public static func linearDeviation(inputs: Int) -> Double {
    max(0.02, 1 / (3 * Double(inputs)).squareRoot())
  }
}
