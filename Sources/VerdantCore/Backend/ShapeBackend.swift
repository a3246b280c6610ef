import VerdantBase

/// Computes shapes and costs without numbers: counts the work of a model in no time and memory.
///
/// Every operation takes the tensors that it takes on the CPU, temporary ones too, so that a
/// ``MemorySimulation`` sees what the work would need.
public final class ShapeBackend: Backend {
  /// The sums of all operations that ran here.
  public let meter = Meter()

  /// Follows the memory that the work would take; nil when nobody asks.
  public let memory: MemorySimulation?

  /// A backend that has seen nothing.
  ///
  /// - Parameter memory: Sees every tensor come and go.
  public init(memory: MemorySimulation? = nil) { self.memory = memory }

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
    allocate(count, dtype, knownValue: nil)
  }

  private func allocate(_ count: Int, _ dtype: DType, knownValue: Double?) -> Storage {
    guard let memory else {
      return Storage(
        backend: self, dtype: dtype, count: count, knownValue: knownValue, whenGone: nil)
    }
    let bytes = count * dtype.byteCount
    let block = memory.take(bytes)
    return Storage(backend: self, dtype: dtype, count: count, knownValue: knownValue) {
      memory.give(block, bytes: bytes)
    }
  }

  /// A shape that remembers its number: rules may skip work for a gradient of 1.
  public func fill(_ value: Double, _ shape: Shape, _ dtype: DType) -> Tensor {
    Tensor(allocate(shape.elementCount, dtype, knownValue: value), shape: shape)
  }
  /// A shape.
  public func tensor(_ values: [Float], _ shape: Shape) -> Tensor { empty(shape) }
  /// A shape.
  public func tensor(integers values: [Int32], _ shape: Shape) -> Tensor { empty(shape, .int32) }
  /// A shape.
  public func random(_ distribution: Distribution, _ shape: Shape, key: UInt64) -> Tensor {
    empty(shape)
  }
  /// The number of a filled tensor of one element, else NaN; traps for more: there are no numbers.
  public func doubles(_ x: Tensor) -> [Double] {
    require(
      x.count == 1, "[shape] this backend computes shapes only; it holds no numbers")
    return [x.storage.knownValue ?? .nan]
  }
  /// A shape.
  public func copy(_ x: Tensor) -> Tensor { empty(x.shape, x.dtype) }
  /// A shape.
  public func cast(_ x: Tensor, to dtype: DType) -> Tensor {
    x.dtype == dtype ? x : empty(x.shape, dtype)
  }
  /// A shape.
  public func unary(_ op: UnaryOperation, _ x: Tensor) -> Tensor { empty(x.shape) }
  /// A shape.
  public func binary(_ op: BinaryOperation, _ a: Tensor, _ b: Tensor) -> Tensor {
    empty(BroadcastPlan(a.shape, b.shape).shape)
  }
  /// A shape.
  public func reduce(_ op: Reduction, _ x: Tensor, over axes: [Int]) -> Tensor {
    var result = x
    for axis in axes.sorted(by: >) {
      var shape = result.shape
      shape[axis] = 1
      result = empty(shape)
    }
    return result
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
  /// Nothing but that the numbers of the table are no longer known.
  public func scatterAddRows(_ rows: Tensor, _ indices: Tensor, into table: Tensor) {
    table.storage.knownValue = nil
  }
  /// A shape.
  public func concatenate(_ parts: [Tensor]) -> Tensor {
    var shape = parts[0].shape
    shape[0] = parts.reduce(0) { $0 + $1.shape[0] }
    return empty(shape, parts[0].dtype)
  }
  /// A shape.
  public func dropout(_ x: Tensor, rate: Float, key: UInt64) -> Tensor { empty(x.shape) }
  /// Nothing but that the number of `y` is no longer known.
  public func accumulate(_ x: Tensor, into y: Tensor) { y.storage.knownValue = nil }
}
