import VerdantBase

/// The polynomial `3.4445 x - 4.7750 x³ + 2.0315 x⁵` of Jordan 2024: its slope at zero is as large as
/// it can be while repeated use keeps singular values near one.
private let coefficients = (3.4445, -4.7750, 2.0315)
/// Least norm to divide by: a matrix of zeros stays one.
private let leastNorm = 1e-7

/// A matrix with the singular vectors of `matrix` and singular values near one, in about
/// [0.7, 1.2], by the Newton-Schulz iteration of Muon (Jordan 2024). Values below a thousandth of
/// the norm need more than five iterations. Not differentiable.
///
/// - Parameters:
///   - matrix: `[rows, columns]`, finite.
///   - iterations: Steps of the iteration, with three products each.
/// - Returns: `[rows, columns]`.
public func orthogonalized(_ matrix: Tensor, iterations: Int = 5) -> Tensor {
  require(
    matrix.shape.rank == 2 && !matrix.isTraced,
    "[orthogonalize] an untraced matrix expected, found shape \(matrix.shape)")
  guard matrix.count > 0 else { return matrix }
  // Powers of the smaller of X Xᵀ and Xᵀ X are cheaper; both give the same polynomial.
  let isTall = matrix.shape[0] > matrix.shape[1]
  let (a, b, c) = coefficients
  // The largest singular value is at most the Frobenius norm.
  var x = matrix / max(leastNorm, sumOfSquares(matrix).squareRoot())
  for _ in 0..<iterations {
    // a x + b x³ + c x⁵ = (a + (b + c G) G) x with G the smaller square. Sums with multiples of the
    // identity touch only diagonals, so that X is read by products alone.
    let square = matmul(x, x, transposeA: isTall, transposeB: !isTall)
    var inner = square * c
    inner.addToDiagonal(b)
    var outer = matmul(inner, square)
    outer.addToDiagonal(a)
    x = isTall ? matmul(x, outer) : matmul(outer, x)
  }
  return x
}

extension Tensor {
  /// Adds a number to the diagonal of a square matrix in place.
  fileprivate mutating func addToDiagonal(_ value: Double) {
    let size = shape[0]
    withUnsafeMutableElements(as: Float.self) { elements in
      guard !elements.isEmpty else { return }
      for index in 0..<size { elements[index * (size + 1)] += Float(value) }
    }
  }
}
