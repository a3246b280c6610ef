#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif
public import Verdant
import VerdantCore

extension ReferenceBackend {
  /// `op(x)` by element.
  public func unary(_ op: UnaryOperation, _ x: Tensor) -> Tensor {
    let function: (Double) -> Double =
      switch op {
      case .negate: { -$0 }
      case .exp: { exp($0) }
      case .log: { log($0) }
      case .squareRoot: { $0.squareRoot() }
      case .reciprocal: { 1 / $0 }
      case .tanh: { tanh($0) }
      case .step: { $0 > 0 ? 1 : 0 }
      }
    return tensor(doubles: doubles(x).map(function), x.shape)
  }

  /// `op(a, b)` by element.
  public func binary(_ op: BinaryOperation, _ a: Tensor, _ b: Tensor) -> Tensor {
    guard let shape = Shape.broadcast(a.shape, b.shape) else {
      preconditionFailure("[reference] shapes \(a.shape) and \(b.shape) do not fit each other")
    }
    let function: (Double, Double) -> Double =
      switch op {
      case .add: { $0 + $1 }
      case .subtract: { $0 - $1 }
      case .multiply: { $0 * $1 }
      case .divide: { $0 / $1 }
      case .maximum: { $0.isNaN || $0 > $1 ? $0 : $1 }
      case .equal: { $0 == $1 ? 1 : 0 }
      }
    let (left, right) = (doubles(a), doubles(b))
    let places = zip(Self.offsets(of: a.shape, in: shape), Self.offsets(of: b.shape, in: shape))
    let values = places.map { function(left[$0], right[$1]) }
    return tensor(doubles: values, shape)
  }

  /// Reduces axes, which stay with length 1.
  public func reduce(_ op: Reduction, _ x: Tensor, over axes: [Int]) -> Tensor {
    var shape = x.shape
    for axis in axes { shape[axis] = 1 }
    var result = [Double](
      repeating: op == .sum ? 0 : -.infinity,
      count: shape.elementCount
    )
    for (value, index) in zip(doubles(x), Self.offsets(of: shape, in: x.shape)) {
      switch op {
      case .sum: result[index] += value
      case .maximum: if value.isNaN || value > result[index] { result[index] = value }
      }
    }
    return tensor(doubles: result, shape)
  }

  /// `a · b` over the last two axes.
  public func matmul(_ a: Tensor, _ b: Tensor, _ form: MatMulForm) -> Tensor {
    let shape = form.shape(a.shape, b.shape)
    let (m, depth) = form.size(a.shape, transposed: form.transposeA)
    let n = shape.columns
    let (left, right) = (doubles(a), doubles(b))
    var result = [Double](repeating: 0, count: shape.elementCount)
    for batch in 0..<shape.dropLast(2).reduce(1, *) {
      let startA = a.shape.rank == 2 ? 0 : batch * m * depth
      let startB = b.shape.rank == 2 ? 0 : batch * depth * n
      for row in 0..<m {
        for column in 0..<n {
          var sum = 0.0
          for k in 0..<depth {
            let x = left[startA + (form.transposeA ? k * m + row : row * depth + k)]
            let y = right[startB + (form.transposeB ? column * depth + k : k * n + column)]
            sum += x * y
          }
          result[(batch * m + row) * n + column] = sum
        }
      }
    }
    return tensor(doubles: result, shape)
  }

  /// The axes in another order.
  public func permute(_ x: Tensor, _ order: [Int]) -> Tensor {
    let shape = Shape(order.map { x.shape[$0] })
    let values = doubles(x)
    let strides = x.shape.strides
    let places = Self.walk(shape, steps: order.map { strides[$0] })
    return tensor(doubles: places.map { values[$0] }, shape)
  }

  /// Rows of a table, by index.
  public func gatherRows(_ table: Tensor, _ indices: Tensor) -> Tensor {
    let columns = table.shape[1]
    let values = doubles(table)
    let rows = indices.integers.flatMap { index -> ArraySlice<Double> in
      precondition(index >= 0 && index < table.shape[0], "[reference] gather row \(index)")
      return values[Int(index) * columns..<(Int(index) + 1) * columns]
    }
    return tensor(doubles: rows, Shape(Array(indices.shape) + [columns]))
  }

  /// Adds rows to those of a table, by index.
  public func scatterAddRows(_ rows: Tensor, _ indices: Tensor, into table: Tensor) {
    let columns = rows.shape.columns
    let values = doubles(rows)
    let ids = indices.integers
    table.withUnsafeElements(as: Double.self) { elements in
      // The caller holds the only reference to the table, which it lends as a value.
      let target = UnsafeMutablePointer(mutating: elements.baseAddress)
      for (row, index) in ids.enumerated() {
        for column in 0..<columns {
          target?[Int(index) * columns + column] += values[row * columns + column]
        }
      }
    }
  }

  /// Tensors one after the other along axis 0; integers stay integers.
  public func concatenate(_ parts: [Tensor]) -> Tensor {
    var shape = parts[0].shape
    shape[0] = parts.reduce(0) { $0 + $1.shape[0] }
    if parts[0].dtype == .int32 {
      return tensor(integers: parts.flatMap(\.integers), shape)
    }
    return tensor(doubles: parts.flatMap { doubles($0) }, shape)
  }

  /// The CPU's mask: of each 64 elements, element i takes word i / 16 of counter i % 16.
  public func dropout(_ x: Tensor, rate: Float, key: UInt64) -> Tensor {
    let limit = UInt32(Double(rate) * 0x1p32)
    let kept = doubles(x).enumerated().map { index, value in
      let counter = UInt64(index / 64 * 16 + index % 16)
      let word = Philox.words(key: key, counter: counter)[index % 64 / 16]
      return word >= limit ? value / (1 - Double(rate)) : 0
    }
    return tensor(doubles: kept, x.shape)
  }

  // For each position of a shape in row-major order, where an operand with those steps is read.
  private static func walk(_ shape: Shape, steps: [Int]) -> [Int] {
    shape.indices.reduce([0]) { offsets, axis in
      offsets.flatMap { start in (0..<shape[axis]).map { start + $0 * steps[axis] } }
    }
  }

  // The same for an operand that is repeated along missing and length-1 axes.
  private static func offsets(of operand: Shape, in shape: Shape) -> [Int] {
    let strides = operand.strides
    let missing = shape.rank - operand.rank
    let steps = shape.indices.map { axis in
      axis < missing || operand[axis - missing] == 1 ? 0 : strides[axis - missing]
    }
    return walk(shape, steps: steps)
  }
}
