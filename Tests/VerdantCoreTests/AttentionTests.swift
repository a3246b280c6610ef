import Testing
import Verdant
import VerdantTestKit

@Suite struct AttentionTests {
  private func numbers(_ shape: Shape, _ seed: UInt64) -> Tensor {
    Tensor(sampleNumbers(shape.elementCount, seed: seed).map(Float.init), shape)
  }

  private func attention(_ operation: Attention, _ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor {
    apply(operation, q, k, v)
  }

  @Test func futureTokensChangeNothing() {
    let causal = Attention(heads: 2, isCausal: true)
    let (length, width) = (300, 16)
    let (q, k, v) = (
      numbers([1, length, width], 1), numbers([1, length, width], 2),
      numbers([1, length, width], 3)
    )
    let whole = attention(causal, q, k, v).floats
    for cut in [1, 63, 64, 65, 256, 257, 299] {
      var (otherK, otherV) = (k, v)
      for index in 0..<2 {
        let change: (UnsafeMutableBufferPointer<Float>) -> Void = { elements in
          for place in cut * width..<length * width { elements[place] = Float(place % 3) * 50 }
        }
        if index == 0 {
          otherK.withUnsafeMutableElements(as: Float.self, change)
        } else {
          otherV.withUnsafeMutableElements(as: Float.self, change)
        }
      }
      let changed = attention(causal, q, otherK, otherV).floats
      #expect(changed.prefix(cut * width) == whole.prefix(cut * width), "cut \(cut)")
    }
  }

  // Gradients of a loss on early rows must not reach later keys.
  @Test func gradientsStopAtTheDiagonal() {
    let (length, width, cut) = (150, 8, 70)
    let inputs = (1...3).map { numbers([1, length, width], UInt64($0)) }
    let gradients = valueAndGradients(of: inputs) {
      let y = attention(Attention(heads: 1, isCausal: true), $0[0], $0[1], $0[2])
      return y.reshaped(to: [length, width])[0..<cut].total()
    }.gradients
    for gradient in gradients {
      #expect(gradient.floats.suffix((length - cut) * width).allSatisfy { $0 == 0 })
      #expect(gradient.floats.contains { $0 != 0 })
    }
  }

  @Test func batchRowsAreIndependent() {
    let operation = Attention(heads: 4, keyHeads: 2, isCausal: false)
    let (q, k, v) = (numbers([3, 70, 32], 1), numbers([3, 90, 16], 2), numbers([3, 90, 16], 3))
    let whole = attention(operation, q, k, v)
    for row in 0..<3 {
      let range = row..<row + 1
      let alone = attention(operation, q[range], k[range], v[range])
      #expect(alone.floats == whole[range].floats)
    }
  }

  @Test func groupedHeadsEqualRepeatedKeys() {
    let (length, heads, keyHeads, width) = (9, 6, 2, 5)
    let q = numbers([2, length, heads * width], 1)
    let (k, v) = (
      numbers([2, length, keyHeads * width], 2), numbers([2, length, keyHeads * width], 3)
    )
    func repeated(_ x: Tensor) -> Tensor {
      let parts = x.reshaped(to: [2, length, keyHeads, width]).permuted(2, 0, 1, 3)
      let all = (0..<heads).map { parts[$0 / 3..<$0 / 3 + 1] }
      return Tensor.concatenated(all).permuted(1, 2, 0, 3)
        .reshaped(to: [2, length, heads * width])
    }
    let grouped = attention(Attention(heads: heads, keyHeads: keyHeads, isCausal: true), q, k, v)
    let plain = attention(Attention(heads: heads, isCausal: true), q, repeated(k), repeated(v))
    #expect(grouped.floats == plain.floats)
  }

  @Test(arguments: [1, 5, 70])
  func cacheEqualsWhole(_ step: Int) {
    let operation = Attention(heads: 4, keyHeads: 2, isCausal: true)
    let (batch, length, width) = (2, 140, 8)
    let q = numbers([batch, length, 4 * width], 1)
    let k = numbers([batch, length, 2 * width], 2)
    let v = numbers([batch, length, 2 * width], 3)
    let whole = attention(operation, q, k, v)
    // Room beyond the tokens so far holds NaN: it must not be read.
    func cache(_ x: Tensor, filled: Int) -> Tensor {
      let rest = Tensor(
        [Float](repeating: .nan, count: batch * (160 - filled) * 2 * width),
        [160 - filled, batch, 2 * width]
      )
      return Tensor.concatenated([x.permuted(1, 0, 2)[0..<filled], rest]).permuted(1, 0, 2)
    }
    for start in stride(from: 0, to: length, by: step * 7) where start + step <= length {
      let keys = start + step
      let new = q.permuted(1, 0, 2)[start..<keys].permuted(1, 0, 2)
      let found = operation(
        new,
        keyCache: cache(k, filled: keys),
        valueCache: cache(v, filled: keys),
        keys: keys
      )
      let expected = whole.permuted(1, 0, 2)[start..<keys].permuted(1, 0, 2)
      #expect(Tolerance.float32.difference(found.doubles, expected.doubles) == nil)
    }
  }

  @Test func cacheRunsItsDefinitionOnTheReference() {
    let operation = Attention(heads: 2, isCausal: true)
    let (q, k) = (numbers([2, 3, 8], 1), numbers([2, 9, 8], 2))
    let found = operation(q, keyCache: k, valueCache: k, keys: 5)
    let reference = ReferenceBackend.shared
    func moved(_ x: Tensor) -> Tensor { reference.tensor(doubles: x.doubles, x.shape) }
    let expected = operation(moved(q), keyCache: moved(k), valueCache: moved(k), keys: 5)
    #expect(Tolerance.float32.difference(found.doubles, expected.doubles) == nil)
  }

  @Test func oneTokenReturnsItsValue() {
    let v = numbers([2, 1, 12], 3)
    let y = attention(
      Attention(heads: 3, isCausal: true),
      numbers([2, 1, 12], 1),
      numbers([2, 1, 12], 2),
      v
    )
    #expect(y.floats == v.floats)
  }

  @Test func theScaleMultipliesScores() {
    let inputs = (1...3).map { numbers([2, 150, 32], UInt64($0)) }
    for isCausal in [true, false] {
      func results(_ scale: Double?, _ factor: Double) -> [[Float]] {
        let operation = Attention(heads: 2, isCausal: isCausal, scale: scale)
        let found = valueAndGradients(of: inputs) {
          apply(operation, $0[0] * factor, $0[1], $0[2]).total()
        }
        return [found.value.floats] + found.gradients.map(\.floats)
      }
      // The width of a head is 16, and powers of two change no other bit.
      #expect(results(nil, 1) == results(0.25, 1))
      #expect(results(nil, 4) == results(1, 1))
      #expect(results(nil, 1) != results(1, 1))
    }
  }

  @Test func hugeScoresChooseOneKey() {
    let q = Tensor([1e4, 0], [1, 1, 2])
    let k = Tensor([1, 0, -1, 0, 0.5, 0], [1, 3, 2])
    let v = Tensor([1, 2, 3, 4, 5, 6], [1, 3, 2])
    let results = valueAndGradients(of: [q, k, v]) {
      attention(Attention(heads: 1, isCausal: false), $0[0], $0[1], $0[2]).total()
    }
    #expect(results.value.floats == [3])
    for gradient in results.gradients { #expect(gradient.floats.allSatisfy { $0.isFinite }) }
  }

  // Queries before the first key see nothing: 0, and no gradient.
  @Test func rowsWithoutKeysAreZero() {
    let (q, k) = (numbers([1, 70, 4], 1), numbers([1, 3, 4], 2))
    let results = valueAndGradients(of: [q, k, k]) {
      attention(Attention(heads: 1, isCausal: true), $0[0], $0[1], $0[2])[0..<1].total()
    }
    #expect(results.gradients[0].floats.allSatisfy { $0.isFinite })
    let y = attention(Attention(heads: 1, isCausal: true), q, k, k).floats
    #expect(y.prefix(67 * 4).allSatisfy { $0 == 0 })
    #expect(y.suffix(3 * 4).allSatisfy { $0 != 0 })
  }

  @Test func infiniteScoresAreNotNaN() {
    let q = Tensor([-1e30, 1], [1, 2, 1])
    let k = Tensor([1e30, 1e30], [1, 2, 1])
    let y = attention(Attention(heads: 1, isCausal: false), q, k, Tensor([2, 4], [1, 2, 1])).floats
    #expect(y == [0, 3])
  }
}
