import Testing
import Verdant

@Suite struct MeterTests {
  private func meter(_ body: (ShapeBackend) -> Void) -> Meter {
    let backend = ShapeBackend()
    body(backend)
    return backend.meter
  }

  @Test func affine() {
    let meter = meter { backend in
      let inputs = [[2, 3, 8], [5, 8], [5]].map { Tensor.zeros(Shape($0), on: backend) }
      _ = valueAndGradients(of: inputs) {
        Verdant.affine($0[0], $0[1], bias: $0[2]).total()
      }
    }
    let line = meter.lines.first { $0.name == "affine" }?.line
    // 6 rows, 5 outputs, 8 inputs: 2 · 240, and a bias of 30.
    #expect(line?.calls == 1 && line?.forward == 510 && line?.backward == 480 + 480 + 30)
    #expect(line?.bytes == Double(4 * (48 + 40 + 5 + 30)))
  }

  @Test func attentionCountsVisiblePairs() {
    for (queries, keys, pairs) in [(4, 4, 10.0), (2, 5, 9), (5, 2, 3), (1, 1, 1), (3, 2, 3)] {
      let operation = Attention(heads: 3, isCausal: true)
      #expect(operation.visiblePairs(queries: queries, keys: keys) == pairs)
      let cost = operation.cost(
        [[2, queries, 12], [2, keys, 12], [2, keys, 12]],
        [2, queries, 12]
      )
      // Two products of 2 · headWidth operations a pair, softmax of 5, for 6 heads.
      #expect(cost.forward == 6 * pairs * (2 * 2 * 4 + 5))
      #expect(cost.backward.reduce(0, +) == 6 * pairs * (5 * 2 * 4 + 4))
    }
    // A bias is added forward and again backward, and gets a sum of its own.
    let biased = Attention(heads: 3, isCausal: false, hasBias: true)
    let shapes: [Shape] = [[2, 4, 12], [2, 7, 12], [2, 7, 12]]
    let pairs = 6.0 * 28
    for (others, place) in [([Shape](), 3), ([[2]], 4)] {
      let cost = biased.cost(shapes + others + [[3, 10]], [2, 4, 12])
      #expect(cost.forward == pairs * 22 && cost.backward.count == place + 1)
      #expect(cost.backward[place] == pairs)
      #expect(cost.backward.reduce(0, +) == pairs * 46)
      #expect(cost.bytes == Double(4 * (2 * 96 + 2 * 168 + 30)))
    }
    let full = Attention(heads: 3, isCausal: false)
    #expect(full.visiblePairs(queries: 4, keys: 7) == 28)
    #expect(Attention(heads: 1, isCausal: true).visiblePairs(queries: 3, keys: 0) == 0)
  }

  @Test func windowsLimitVisiblePairs() {
    for (queries, keys) in [(7, 7), (3, 9), (1, 20), (9, 3), (5, 0), (0, 4)] {
      for window in [1, 2, 5, 30] {
        for isCausal in [true, false] {
          var pairs = 0
          for query in 0..<queries {
            let place = query + keys - queries
            for key in 0..<keys where abs(key - place) < window && (!isCausal || key <= place) {
              pairs += 1
            }
          }
          let operation = Attention(heads: 1, isCausal: isCausal, window: window)
          #expect(operation.visiblePairs(queries: queries, keys: keys) == Double(pairs))
        }
      }
    }
    // A long sequence costs what its windows cost.
    let long = Attention(heads: 1, isCausal: true, window: 128)
    #expect(long.visiblePairs(queries: 1 << 20, keys: 1 << 20) < 128 * 0x1p20)
  }

  @Test func matmulAndHead() {
    let meter = meter { backend in
      let x = Tensor.zeros([4, 3, 8], on: backend)
      _ = matmul(x, .zeros([8, 5], on: backend))
      _ = linearCrossEntropy(
        x,
        .zeros([7, 8], on: backend),
        targets: Tensor(integers: [Int32](repeating: 0, count: 12), [4, 3], on: backend)
      )
    }
    let lines = Dictionary(uniqueKeysWithValues: meter.lines.map { ($0.name, $0.line) })
    #expect(lines["matmul"]?.forward == Double(2 * 12 * 8 * 5))
    #expect(lines["linear-cross-entropy"]?.forward == Double(2 * 12 * 7 * 8 + 5 * 84))
    #expect(meter.backward == 0)
  }

  // Shapes of a model of a trillion operations, in no time and no memory.
  @Test func countsHave64Bits() {
    let meter = meter { backend in
      let x = Tensor.zeros([1 << 20, 1 << 14], on: backend)
      _ = matmul(x, .zeros([1 << 14, 1 << 16], on: backend))
    }
    #expect(meter.lines.first { $0.name == "matmul" }?.line.forward == 0x1p51)
  }
}
