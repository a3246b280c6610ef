import Testing
import Verdant
import VerdantTestKit

@Suite struct RotaryTests {
  private func numbers(_ shape: Shape, _ seed: UInt64) -> Tensor {
    Tensor(sampleNumbers(shape.elementCount, seed: seed).map(Float.init), shape)
  }

  /// By hand: positions 0, 1, 2 of a head of width 4 with base 100, so that the angles are t and t/10.
  @Test func knownAngles() {
    let x = Tensor([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4], [1, 3, 4])
    let y = rotary(x, heads: 1, base: 100).doubles
    let expected = [
      1, 2, 3, 4,
      // (1, 3) by 1 and (2, 4) by 0.1.
      -1.98411065, 1.59067465, 2.46237790, 4.17968349,
      -3.14403911, 1.16545594, -0.33914308, 4.31760485,
    ]
    for (found, right) in zip(y, expected) { #expect(abs(found - right) < 1e-6) }
  }

  @Test func startsAreSlicesOfTheWhole() {
    let (length, width) = (200, 24)
    let x = numbers([2, length, width], 1)
    let whole = rotary(x, heads: 2).permuted(1, 0, 2)
    for (start, count) in [(0, 1), (1, 1), (63, 1), (64, 3), (65, 70), (199, 1), (100, 100)] {
      let part = x.permuted(1, 0, 2)[start..<start + count].permuted(1, 0, 2)
      let found = rotary(part, heads: 2, from: start).permuted(1, 0, 2)
      #expect(found.floats == whole[start..<start + count].floats, "from \(start)")
    }
  }

  /// The product of a query and a key depends on their distance alone, also far from the start.
  @Test func productsDependOnTheDistance() {
    let (q, k) = (numbers([1, 1, 32], 1), numbers([1, 1, 32], 2))
    func product(_ a: Int, _ b: Int) -> Double {
      (rotary(q, heads: 1, from: a) * rotary(k, heads: 1, from: b)).total().scalar
    }
    let near = product(3, 0)
    for start in [1, 60, 1000, 1_000_000] {
      #expect(abs(product(start + 3, start) - near) < 2e-5)
    }
    #expect(abs(product(4, 0) - near) > 1e-2)
  }

  @Test func turningKeepsLengths() {
    let x = numbers([1, 300, 64], 4)
    let y = rotary(x, heads: 1)
    for row in [0, 1, 150, 299] {
      func norm(_ x: Tensor) -> Double {
        x.reshaped(to: [300, 64])[row..<row + 1].doubles.reduce(0) { $0 + $1 * $1 }
      }
      #expect(abs(norm(x) - norm(y)) < 1e-4)
    }
  }
}
