import Testing
import Verdant
import VerdantTestKit

@Suite struct OrthogonalizedTests {
  static let shapes: [Shape] = [
    [48, 48], [20, 64], [64, 20], [1, 9], [9, 1], [1, 1], [130, 70],
  ]

  /// The singular vectors stay and the values come near one (Jordan 2024).
  @Test(arguments: shapes)
  func singularValuesAreNearOne(_ shape: Shape) {
    for size in [1e-4, 1, 1e4] {
      let matrix = conditioned(shape, size)
      let found = orthogonalized(matrix)
      #expect(found.shape == shape)
      let values = singularValueDecomposition(found).values.doubles
      #expect(values.allSatisfy { $0 > 0.6 && $0 < 1.3 }, "\(values)")
      let parts = singularValueDecomposition(matrix)
      let polar = matmul(parts.left, parts.right, transposeA: true)
      // U S Vᵀ with S near one: its cosine to U Vᵀ is the mean of S over its root mean square.
      #expect(cosine(found, polar) > 0.97)
      // What is not on the diagonal in the basis of the singular vectors.
      let inside = matmul(matmul(parts.left, found), parts.right, transposeB: true).doubles
      let rank = min(shape[0], shape[1])
      for row in 0..<rank {
        for column in 0..<rank where row != column {
          #expect(abs(inside[row * rank + column]) < 1e-3)
        }
      }
    }
  }

  /// The scalar iteration is what happens to each singular value.
  @Test func oneNumberFollowsThePolynomial() {
    var expected = 1.0
    for iterations in 1...6 {
      let (square, value) = (expected * expected, expected)
      expected = value * (3.4445 + square * (-4.7750 + square * 2.0315))
      let found = orthogonalized(Tensor([-0.3], [1, 1]), iterations: iterations).scalar
      #expect(abs(found + expected) < 1e-5)
    }
  }

  @Test func transposedAndScaledMatrices() {
    let matrix = Tensor.random([12, 7], .normal(deviation: 1), RandomSource(seed: 5))
    let found = orthogonalized(matrix)
    let transposed = orthogonalized(matrix.permuted(1, 0)).permuted(1, 0)
    let scaled = orthogonalized(matrix * 4)
    for (a, b) in zip(found.doubles, transposed.doubles) { #expect(abs(a - b) < 1e-5) }
    for (a, b) in zip(found.doubles, scaled.doubles) { #expect(abs(a - b) < 1e-5) }
  }

  @Test func zerosAndNothing() {
    #expect(orthogonalized(.zeros([3, 5])).floats.allSatisfy { $0 == 0 })
    for shape: Shape in [[0, 4], [4, 0], [0, 0]] {
      #expect(orthogonalized(.zeros(shape)).shape == shape)
    }
  }

  @Test func memoryIsWrittenBeforeItIsRead() {
    let backend = CPUBackend(poisonsMemory: true)
    let matrix = Tensor((0..<35).map { Float($0 % 9) - 4 }, [5, 7], on: backend)
    #expect(orthogonalized(matrix).floats.allSatisfy { $0.isFinite })
    #expect(backend.overrunCount == 0)
  }
}

/// A random matrix whose singular values lie in `[size / 3, size]`.
private func conditioned(_ shape: Shape, _ size: Double) -> Tensor {
  let parts = singularValueDecomposition(
    .random(shape, .normal(deviation: 1), RandomSource(seed: UInt64(shape[0]))))
  let count = parts.values.count
  let values = (0..<count).map { Float(size * (1 - 2.0 / 3 * Double($0) / Double(count))) }
  return matmul(parts.left * Tensor(values, [count, 1]), parts.right, transposeA: true)
}

private func cosine(_ a: Tensor, _ b: Tensor) -> Double {
  (a * b).total().scalar / (sumOfSquares(a) * sumOfSquares(b)).squareRoot()
}
