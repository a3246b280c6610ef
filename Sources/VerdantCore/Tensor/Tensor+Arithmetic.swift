extension Tensor {
  private func constant(_ value: Double) -> Tensor {
    backend.fill(value, [1], dtype)
  }

  /// The sum by element; missing and length-1 axes are repeated.
  public static func + (a: Tensor, b: Tensor) -> Tensor { apply(Binary(op: .add), a, b) }
  /// The difference by element.
  public static func - (a: Tensor, b: Tensor) -> Tensor { apply(Binary(op: .subtract), a, b) }
  /// The product by element.
  public static func * (a: Tensor, b: Tensor) -> Tensor { apply(Binary(op: .multiply), a, b) }
  /// The quotient by element.
  public static func / (a: Tensor, b: Tensor) -> Tensor { apply(Binary(op: .divide), a, b) }
  /// The number added to each element.
  public static func + (a: Tensor, b: Double) -> Tensor { a + a.constant(b) }
  /// The number subtracted from each element.
  public static func - (a: Tensor, b: Double) -> Tensor { a - a.constant(b) }
  /// Each element times the number.
  public static func * (a: Tensor, b: Double) -> Tensor { a * a.constant(b) }
  /// Each element over the number.
  public static func / (a: Tensor, b: Double) -> Tensor { a / a.constant(b) }
  /// The negated elements.
  public static prefix func - (a: Tensor) -> Tensor { apply(Unary(op: .negate), a) }

  /// Sums over axes, which stay with length 1.
  public func sum(over axes: Int...) -> Tensor { apply(Reduce(op: .sum, axes: axes), self) }
  /// Means over axes, which stay with length 1.
  public func mean(over axes: Int...) -> Tensor {
    let count = axes.reduce(1) { $0 * shape[$1] }
    return apply(Reduce(op: .sum, axes: axes), self) / Double(count)
  }
  /// Largest elements over axes, which stay with length 1.
  public func maximum(over axes: Int...) -> Tensor {
    apply(Reduce(op: .maximum, axes: axes), self)
  }
  /// The sum of all elements, shape `[1]`.
  public func total() -> Tensor {
    apply(Reduce(op: .sum, axes: [0]), reshaped(to: [count]))
  }
}

/// e to the power of each element.
public func exp(_ x: Tensor) -> Tensor { apply(Unary(op: .exp), x) }
/// The natural logarithm of each element.
public func log(_ x: Tensor) -> Tensor { apply(Unary(op: .log), x) }
/// The square root of each element.
public func squareRoot(_ x: Tensor) -> Tensor { apply(Unary(op: .squareRoot), x) }
/// The hyperbolic tangent of each element.
public func tanh(_ x: Tensor) -> Tensor { apply(Unary(op: .tanh), x) }
/// The larger of two elements.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { apply(Binary(op: .maximum), a, b) }
/// 1 over each element.
public func reciprocal(_ x: Tensor) -> Tensor { apply(Unary(op: .reciprocal), x) }
