import Testing
import Verdant
import VerdantTestKit

@Suite(.serialized) struct ProductTests {
  @Test(arguments: Compute.instructionSets, [false, true])
  func productsOfManySizes(_ name: String, _ library: Bool) async {
    // The library chooses its own instructions.
    if library && name != Compute.instructionSets.last { return }
    await #expect(processExitsWith: .success) { [name, library] in
      Compute.select(instructionSet: name)
      Compute.useProductLibrary(library)
      for (m, n, k) in sizes {
        for form in 0..<4 {
          expectNothing(check(m, n, k, form & 1 != 0, form & 2 != 0))
        }
      }
    }
  }

  @Test func emptyDepthGivesZeros() {
    let product = matmul(Tensor([], [3, 0]), Tensor([], [0, 2]))
    #expect(product.floats == [0, 0, 0, 0, 0, 0])
    #expect(affine(Tensor([], [2, 0]), Tensor([], [1, 0])).floats == [0, 0])
  }

  @Test func stacksOfProducts() {
    let a = Tensor(sampleNumbers(2 * 3 * 4 * 5, seed: 1).map(Float.init), [2, 3, 4, 5])
    let b = Tensor(sampleNumbers(2 * 3 * 5 * 6, seed: 2).map(Float.init), [2, 3, 5, 6])
    let all = matmul(a, b)
    #expect(all.shape == [2, 3, 4, 6])
    let last = matmul(
      a[1..<2].reshaped(to: [3, 4, 5])[2..<3].reshaped(to: [4, 5]),
      b[1..<2].reshaped(to: [3, 5, 6])[2..<3].reshaped(to: [5, 6])
    )
    #expect(Array(all.floats.suffix(24)) == last.floats)
  }
}

// Around the edges of register tiles, thread tiles (48, 64) and blocks (96, 256, 1024).
private let sizes = [
  (1, 1, 1), (1, 300, 5), (300, 1, 7), (2, 3, 1), (5, 1030, 20), (97, 65, 257), (13, 33, 600),
  (129, 130, 3), (48, 64, 256), (49, 63, 255), (100, 40, 513), (7, 31, 15), (12, 32, 16),
  (11, 33, 17), (95, 1, 1), (1, 2049, 2), (257, 129, 65), (6, 8, 4), (3, 17, 96), (200, 200, 1),
]

// |error| <= gamma(k) sum |a||b| holds for every order of summation (Higham 2002, 3.1).
private func check(_ m: Int, _ n: Int, _ k: Int, _ transposeA: Bool, _ transposeB: Bool)
  -> [Finding]
{
  let a = sampleNumbers(m * k, seed: UInt64(m * 31 + k))
  let b = sampleNumbers(k * n, seed: UInt64(n * 17 + k))
  let found = matmul(
    Tensor(a.map(Float.init), transposeA ? [k, m] : [m, k]),
    Tensor(b.map(Float.init), transposeB ? [n, k] : [k, n]),
    transposeA: transposeA,
    transposeB: transposeB
  ).doubles
  for row in 0..<m {
    for column in 0..<n {
      var (sum, size) = (0.0, 0.0)
      for depth in 0..<k {
        let x = a[transposeA ? depth * m + row : row * k + depth]
        let y = b[transposeB ? column * k + depth : depth * n + column]
        sum += x * y
        size += abs(x * y)
      }
      let value = found[row * n + column]
      if !(abs(value - sum) <= Double(k + 2) * 0x1p-24 * size) {
        let name = "product \(m)x\(n)x\(k) \(transposeA ? "T" : "N")\(transposeB ? "T" : "N")"
        return [Finding(name, "[\(row), \(column)] is \(value), expected \(sum)")]
      }
    }
  }
  return []
}
