import VerdantBase

/// Computes shapes and costs without numbers: counts the work of a model in no time and memory.
public final class ShapeBackend: Backend {
  /// The sums of all operations that ran here.
  public let meter = Meter()

  /// A backend that has seen nothing.
  public init() {}

  /// The name in errors and reports.
  public var name: String { "shape" }
  /// Single precision, as the CPU backend.
  public var scalarType: DType { .float32 }
  /// The meter.
  public var observer: (any OperationObserver)? { meter }

  func empty(_ shape: Shape, _ dtype: DType = .float32) -> Tensor {
    Tensor(allocate(shape.elementCount, dtype), shape: shape)
  }

  /// Storage without memory.
  public func allocate(_ count: Int, _ dtype: DType) -> Storage {
    Storage(backend: self, dtype: dtype, count: count, unsafeBase: nil, release: nil)
  }
  /// A shape.
  public func fill(_ value: Double, _ shape: Shape, _ dtype: DType) -> Tensor {
    empty(shape, dtype)
  }
  /// A shape.
  public func tensor(_ values: [Float], _ shape: Shape) -> Tensor { empty(shape) }
  /// A shape.
  public func tensor(integers values: [Int32], _ shape: Shape) -> Tensor { empty(shape, .int32) }
  /// A shape.
  public func random(_ distribution: Distribution, _ shape: Shape, key: UInt64) -> Tensor {
    empty(shape)
  }
  /// Traps: there are no numbers.
  public func doubles(_ x: Tensor) -> [Double] {
    trap("[shape] this backend computes shapes only; it holds no numbers")
  }
  /// A shape.
  public func copy(_ x: Tensor) -> Tensor { empty(x.shape, x.dtype) }
  /// A shape.
  public func cast(_ x: Tensor, to dtype: DType) -> Tensor { empty(x.shape, dtype) }
  /// A shape.
  public func unary(_ op: UnaryOperation, _ x: Tensor) -> Tensor { empty(x.shape) }
  /// A shape.
  public func binary(_ op: BinaryOperation, _ a: Tensor, _ b: Tensor) -> Tensor {
    empty(BroadcastPlan(a.shape, b.shape).shape)
  }
  /// A shape.
  public func reduce(_ op: Reduction, _ x: Tensor, over axes: [Int]) -> Tensor {
    var shape = x.shape
    for axis in axes { shape[axis] = 1 }
    return empty(shape)
  }
  /// A shape.
  public func matmul(_ a: Tensor, _ b: Tensor, _ form: MatMulForm) -> Tensor {
    empty(form.shape(a.shape, b.shape))
  }
  /// A shape.
  public func permute(_ x: Tensor, _ order: [Int]) -> Tensor {
    empty(Shape(order.map { x.shape[$0] }))
  }
  /// A shape.
  public func gatherRows(_ table: Tensor, _ indices: Tensor) -> Tensor {
    empty(Shape(Array(indices.shape) + [table.shape[1]]))
  }
  /// A shape.
  public func scatterAddRows(_ rows: Tensor, _ indices: Tensor, count: Int) -> Tensor {
    empty([count, rows.shape.columns])
  }
  /// A shape.
  public func concatenate(_ parts: [Tensor]) -> Tensor {
    var shape = parts[0].shape
    shape[0] = parts.reduce(0) { $0 + $1.shape[0] }
    return empty(shape, parts[0].dtype)
  }
  /// A shape.
  public func dropout(_ x: Tensor, rate: Float, key: UInt64) -> Tensor { empty(x.shape) }
  /// Nothing.
  public func accumulate(_ x: Tensor, into y: Tensor) {}
}
