import VerdantBase
internal import CVerdant

/// The thin singular value decomposition `A = Σ values[i] · left[i]ᵀ right[i]`.
public struct SingularValues: Sendable {
  /// Left singular vectors as rows, `[k, rows]`; the largest entry of each is positive.
  public let left: Tensor
  /// The singular values, falling, `[k]`.
  public let values: Tensor
  /// Right singular vectors as rows, `[k, columns]`.
  public let right: Tensor
}

/// Decomposes a matrix in double precision: by LAPACK where one is installed, else by one-sided
/// Jacobi rotations. Not differentiable.
///
/// - Parameters:
///   - matrix: `[rows, columns]`, finite.
///   - usesLibrary: False asks for the portable method.
/// - Returns: `k = min(rows, columns)` singular values and vectors.
public func singularValueDecomposition(_ matrix: Tensor, usesLibrary: Bool = true)
  -> SingularValues
{
  require(
    matrix.shape.rank == 2 && !matrix.isTraced,
    "[svd] an untraced matrix expected, found shape \(matrix.shape)"
  )
  let (rows, columns) = (matrix.shape[0], matrix.shape[1])
  let k = min(rows, columns)
  let backend = matrix.backend
  guard matrix.storage.base != nil else {
    return SingularValues(
      left: .zeros([k, rows], on: backend), values: .zeros([k], on: backend),
      right: .zeros([k, columns], on: backend))
  }
  var a = matrix.doubles
  require(a.allSatisfy(\.isFinite), "[svd] the matrix has entries that are not finite")
  var left = [Double](repeating: 0, count: k * rows)
  var values = [Double](repeating: 0, count: k)
  var right = [Double](repeating: 0, count: k * columns)
  let done = k == 0 || vd_svd(usesLibrary, rows, columns, &a, &left, &values, &right)
  require(done, "[svd] no convergence or no memory for shape \(matrix.shape)")
  func tensor(_ numbers: [Double], _ shape: Shape) -> Tensor {
    Tensor(numbers.map(Float.init), shape, on: backend)
  }
  return SingularValues(
    left: tensor(left, [k, rows]), values: tensor(values, [k]),
    right: tensor(right, [k, columns]))
}

extension Compute {
  /// True when a LAPACK is installed for factorizations.
  public static var hasFactorizationLibrary: Bool { vd_has_lapack() }
}
