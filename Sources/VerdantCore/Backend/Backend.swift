import VerdantBase

/// What computes: the basis of operations that every backend has. Everything else is defined in
/// terms of it; a fused operation that a backend has no kernel for runs its definition.
///
/// All tensors are untraced and on this backend; shapes are checked by the callers.
public protocol Backend: AnyObject, Sendable {
  /// The name in errors and reports.
  var name: String { get }
  /// The form of the numbers that models compute with here.
  var scalarType: DType { get }
  /// Receives every operation; nil when nobody listens.
  var observer: (any OperationObserver)? { get }

  /// Memory for `count` elements with undefined content.
  func allocate(_ count: Int, _ dtype: DType) -> Storage
  /// A tensor of one number.
  func fill(_ value: Double, _ shape: Shape, _ dtype: DType) -> Tensor
  /// A tensor from single-precision numbers.
  func tensor(_ values: [Float], _ shape: Shape) -> Tensor
  /// A tensor from integers.
  func tensor(integers values: [Int32], _ shape: Shape) -> Tensor
  /// Numbers from the stream of a key.
  func random(_ distribution: Distribution, _ shape: Shape, key: UInt64) -> Tensor
  /// The elements in row-major order.
  func doubles(_ x: Tensor) -> [Double]
  /// The same numbers in new memory.
  func copy(_ x: Tensor) -> Tensor
  /// The same numbers in another form.
  func cast(_ x: Tensor, to dtype: DType) -> Tensor

  /// `op(x)` by element.
  func unary(_ op: UnaryOperation, _ x: Tensor) -> Tensor
  /// `op(a, b)` by element; missing and length-1 axes are repeated.
  func binary(_ op: BinaryOperation, _ a: Tensor, _ b: Tensor) -> Tensor
  /// Reduces the given axes, which stay with length 1.
  func reduce(_ op: Reduction, _ x: Tensor, over axes: [Int]) -> Tensor
  /// `a · b` over the last two axes; leading axes are equal, or absent in one operand.
  func matmul(_ a: Tensor, _ b: Tensor, _ form: MatMulForm) -> Tensor
  /// The axes in another order.
  func permute(_ x: Tensor, _ order: [Int]) -> Tensor
  /// Rows `[..., columns]` of a table `[rows, columns]`, by index.
  func gatherRows(_ table: Tensor, _ indices: Tensor) -> Tensor
  /// Adds rows `[..., columns]` to those of a table `[rows, columns]`, by index, where nothing else
  /// shares the memory of the table.
  func scatterAddRows(_ rows: Tensor, _ indices: Tensor, into table: Tensor)
  /// Tensors one after the other along axis 0.
  func concatenate(_ parts: [Tensor]) -> Tensor
  /// Elements of the stream of a key kept with probability `1 - rate` and scaled by its inverse.
  func dropout(_ x: Tensor, rate: Float, key: UInt64) -> Tensor
  /// `y += x`, where nothing else shares the memory of y.
  func accumulate(_ x: Tensor, into y: Tensor)
}

extension Backend {
  /// A table `[count, columns]` of sums of rows, by index.
  public func scatterAddRows(_ rows: Tensor, _ indices: Tensor, count: Int) -> Tensor {
    let table = fill(0, [count, rows.shape.columns], rows.dtype)
    scatterAddRows(rows, indices, into: table)
    return table
  }

  /// The elements as single-precision numbers, in row-major order.
  public func floats(_ x: Tensor) -> [Float] { doubles(x).map(Float.init) }
}

/// Operations of one number.
public enum UnaryOperation: String, Sendable, CaseIterable {
  case negate
  case exp
  case log
  case squareRoot
  case reciprocal
  case tanh
  /// 1 for positive numbers, else 0.
  case step
}

/// Operations of two numbers.
public enum BinaryOperation: String, Sendable, CaseIterable {
  case add
  case subtract
  case multiply
  case divide
  case maximum
  /// 1 where equal, else 0.
  case equal
}

/// Reductions of an axis.
public enum Reduction: String, Sendable, CaseIterable {
  case sum
  case maximum
}

/// Which operands of a product are read transposed.
public struct MatMulForm: Sendable, Hashable {
  /// The left operand is stored `[K, M]`.
  public var transposeA: Bool
  /// The right operand is stored `[N, K]`.
  public var transposeB: Bool

  /// Makes a form.
  public init(transposeA: Bool = false, transposeB: Bool = false) {
    self.transposeA = transposeA
    self.transposeB = transposeB
  }

  /// The shape of the product of two operands; traps when they do not fit.
  public func shape(_ a: Shape, _ b: Shape) -> Shape {
    require(a.rank >= 2 && b.rank >= 2, "[matmul] shapes \(a) and \(b) need two axes each")
    let (m, k) = size(a, transposed: transposeA)
    let (k2, n) = size(b, transposed: transposeB)
    let leading = a.rank >= b.rank ? a.dropLast(2) : b.dropLast(2)
    let fits =
      k == k2
      && (a.rank == 2 || b.rank == 2 || a.dropLast(2).elementsEqual(b.dropLast(2)))
    require(fits, "[matmul] shapes \(a) and \(b) do not fit the form \(self)")
    return Shape(Array(leading) + [m, n])
  }

  /// Rows and columns of an operand as the product reads it.
  public func size(_ shape: Shape, transposed: Bool) -> (Int, Int) {
    let (rows, columns) = (shape[shape.rank - 2], shape[shape.rank - 1])
    return transposed ? (columns, rows) : (rows, columns)
  }
}
