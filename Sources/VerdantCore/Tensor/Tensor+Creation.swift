public import VerdantBase

extension Tensor {
  /// A tensor of `shape` filled with one number.
  public static func full(
    _ shape: Shape,
    _ value: Double,
    on backend: any Backend = CPUBackend.shared
  ) -> Tensor {
    backend.fill(value, shape, backend.scalarType)
  }

  /// A tensor of zeros.
  public static func zeros(_ shape: Shape, on backend: any Backend = CPUBackend.shared) -> Tensor {
    full(shape, 0, on: backend)
  }

  /// A tensor of ones.
  public static func ones(_ shape: Shape, on backend: any Backend = CPUBackend.shared) -> Tensor {
    full(shape, 1, on: backend)
  }

  /// A tensor with the given numbers in row-major order.
  public init(
    _ values: [Float],
    _ shape: Shape,
    on backend: any Backend = CPUBackend.shared
  ) {
    require(
      values.count == shape.elementCount,
      "[tensor] \(values.count) numbers for shape \(shape)"
    )
    self = backend.tensor(values, shape)
  }

  /// A tensor of whole numbers, such as token ids, in row-major order.
  public init(
    integers values: [Int32],
    _ shape: Shape,
    on backend: any Backend = CPUBackend.shared
  ) {
    require(
      values.count == shape.elementCount,
      "[tensor] \(values.count) integers for shape \(shape)"
    )
    self = backend.tensor(integers: values, shape)
  }

  /// Numbers drawn from a distribution; they depend on the stream alone.
  public static func random(
    _ shape: Shape,
    _ distribution: Distribution,
    _ stream: RandomSource,
    on backend: any Backend = CPUBackend.shared
  ) -> Tensor {
    backend.random(distribution, shape, key: stream.key)
  }

  /// All elements as single-precision numbers, in row-major order.
  public var floats: [Float] { backend.floats(self) }

  /// All elements as double-precision numbers, in row-major order.
  public var doubles: [Double] { backend.doubles(self) }

  /// All elements of an integer tensor, in row-major order.
  public var integers: [Int32] {
    require(dtype == .int32, "[tensor] \(dtype) read as integers")
    return withUnsafeElements(as: Int32.self) { Array($0) }
  }

  /// The only element of a tensor with one element.
  public var scalar: Double {
    require(count == 1, "[scalar] shape \(shape) has \(count) elements, 1 expected")
    return doubles[0]
  }
}

/// A distribution of random numbers.
public enum Distribution: Sendable, Equatable {
  /// Uniform in `[low, high)`.
  case uniform(low: Double, high: Double)
  /// Normal.
  case normal(mean: Double = 0, deviation: Double)
}
