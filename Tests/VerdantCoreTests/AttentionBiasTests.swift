import Foundation
import Testing
import Verdant
import VerdantTestKit

/// The bias of attention by distance.
@Suite struct AttentionBiasTests {
  struct Case: Sendable, CustomStringConvertible {
    var heads = 1
    var keyHeads = 1
    var isCausal = false
    var queries: Int
    var keys: Int
    var window: Int?
    var scale: Double?
    var lengths: [Int]?

    var operation: Attention {
      Attention(
        heads: heads, keyHeads: keyHeads, isCausal: isCausal, window: window, scale: scale,
        lengthsLimitKeysOnly: limitsKeysOnly, hasBias: true)
    }
    var limitsKeysOnly: Bool { lengths != nil && queries != keys }
    var description: String {
      "\(heads)/\(keyHeads) heads, \(isCausal ? "causal" : "full"), \(queries) to \(keys), "
        + "window \(window ?? 0), scale \(scale ?? 0), lengths \(lengths ?? [])"
    }

    func isVisible(entry: Int, query: Int, key: Int) -> Bool {
      let place = query + keys - queries
      if let lengths {
        if key >= lengths[entry] || (!limitsKeysOnly && query >= lengths[entry]) { return false }
      }
      if isCausal && key > place { return false }
      return window.map { abs(key - place) < $0 } ?? true
    }
  }

  static let batch = 2
  static let headWidth = 5
  static let cases = [
    Case(queries: 1, keys: 1), Case(heads: 2, keyHeads: 2, queries: 7, keys: 7),
    Case(heads: 4, keyHeads: 2, isCausal: true, queries: 150, keys: 150, scale: 1),
    Case(heads: 2, keyHeads: 1, queries: 130, keys: 70, scale: 0.3),
    Case(heads: 2, keyHeads: 2, isCausal: true, queries: 20, keys: 280),
    Case(heads: 1, keyHeads: 1, isCausal: true, queries: 200, keys: 200, window: 33),
    Case(heads: 2, keyHeads: 1, queries: 200, keys: 200, window: 70, lengths: [140, 3]),
    Case(heads: 2, keyHeads: 1, isCausal: true, queries: 140, keys: 140, lengths: [0, 139]),
    Case(heads: 2, keyHeads: 2, queries: 90, keys: 260, lengths: [129, 0]),
  ]

  private func inputs(_ c: Case) -> [[Double]] {
    let counts = [
      Self.batch * c.queries * c.heads, Self.batch * c.keys * c.keyHeads,
      Self.batch * c.keys * c.keyHeads,
    ].map { $0 * Self.headWidth }
    return (counts + [c.heads * (c.queries + c.keys - 1)]).enumerated().map {
      sampleNumbers($1, seed: UInt64($0 + 1))
    }
  }

  private func shapes(_ c: Case) -> [Shape] {
    let keys: Shape = [Self.batch, c.keys, c.keyHeads * Self.headWidth]
    return [
      [Self.batch, c.queries, c.heads * Self.headWidth], keys, keys,
      [c.heads, c.queries + c.keys - 1],
    ]
  }

  /// Output and the gradients of q, k, v and the bias for a gradient `dy`, pair by pair.
  private func direct(_ c: Case, _ inputs: [[Double]], _ dy: [Double]) -> [[Double]] {
    let (q, k, v, bias) = (inputs[0], inputs[1], inputs[2], inputs[3])
    let scale = c.scale ?? 1 / Double(Self.headWidth).squareRoot()
    var y = [Double](repeating: 0, count: q.count)
    var gradients = inputs.map { [Double](repeating: 0, count: $0.count) }
    for entry in 0..<Self.batch {
      for head in 0..<c.heads {
        for query in 0..<c.queries {
          let keyHead = head / (c.heads / c.keyHeads)
          func row(_ key: Int) -> Int {
            ((entry * c.keys + key) * c.keyHeads + keyHead) * Self.headWidth
          }
          func diagonal(_ key: Int) -> Int {
            head * (c.queries + c.keys - 1) + key - query + c.queries - 1
          }
          let own = ((entry * c.queries + query) * c.heads + head) * Self.headWidth
          func product(_ a: [Double], _ b: [Double], _ key: Int) -> Double {
            (0..<Self.headWidth).reduce(0) { $0 + a[own + $1] * b[row(key) + $1] }
          }
          let seen = (0..<c.keys).filter { c.isVisible(entry: entry, query: query, key: $0) }
          let scores = seen.map { scale * product(q, k, $0) + bias[diagonal($0)] }
          let most = scores.max() ?? 0
          let weights = scores.map { exp($0 - most) }
          let total = weights.reduce(0, +)
          let slopes = seen.map { product(dy, v, $0) }
          let mean = zip(weights, slopes).reduce(0) { $0 + $1.0 / total * $1.1 }
          for (index, key) in seen.enumerated() {
            let share = weights[index] / total
            let slope = share * (slopes[index] - mean)
            gradients[3][diagonal(key)] += slope
            for place in 0..<Self.headWidth {
              y[own + place] += share * v[row(key) + place]
              gradients[0][own + place] += slope * scale * k[row(key) + place]
              gradients[1][row(key) + place] += slope * scale * q[own + place]
              gradients[2][row(key) + place] += share * dy[own + place]
            }
          }
        }
      }
    }
    return [y] + gradients
  }

  @Test(arguments: cases)
  func everyGradientEqualsItsSum(_ c: Case) {
    let values = inputs(c)
    let shapes = shapes(c)
    let dy = sampleNumbers(values[0].count, seed: 9)
    let expected = direct(c, values, dy)
    for onReference in [false, true] {
      let backend: any Backend = onReference ? ReferenceBackend.shared : CPUBackend.shared
      func tensor(_ values: [Double], _ shape: Shape) -> Tensor {
        onReference
          ? ReferenceBackend.shared.tensor(doubles: values, shape)
          : Tensor(values.map(Float.init), shape)
      }
      let lengths = c.lengths.map {
        [Tensor(integers: $0.map(Int32.init), [Self.batch], on: backend)]
      }
      func output(_ x: [Tensor]) -> Tensor {
        apply(c.operation, to: Array(x[..<3]) + (lengths ?? []) + [x[3]])
      }
      let tensors = zip(values, shapes).map { tensor($0, $1) }
      let weights = tensor(dy, shapes[0])
      let found = valueAndGradients(of: tensors) { (output($0) * weights).total() }.gradients
      let tolerance = onReference ? Tolerance(relative: 1e-12) : .float32
      for (index, pair) in zip([output(tensors)] + found, expected).enumerated() {
        let problem = tolerance.difference(pair.0.doubles, pair.1)
        #expect(problem == nil, "\(backend.name), part \(index): \(problem ?? "")")
      }
    }
  }

  @Test func aNumberForAllDistancesChangesNothing() {
    let c = Case(heads: 2, keyHeads: 1, isCausal: true, queries: 150, keys: 150)
    let tensors = zip(inputs(c), shapes(c)).map { Tensor($0.map(Float.init), $1) }
    let moved = tensors[3] + Tensor([3, -2], [2, 1])
    let plain = apply(c.operation, to: tensors)
    let other = apply(c.operation, tensors[0], tensors[1], tensors[2], moved)
    #expect(Tolerance.float32.difference(other.doubles, plain.doubles) == nil)
    let none = Attention(heads: 2, keyHeads: 1, isCausal: true)
    let zero = apply(c.operation, tensors[0], tensors[1], tensors[2], .zeros(shapes(c)[3]))
    let without = apply(none, to: Array(tensors[..<3]))
    #expect(Tolerance.float32.difference(zero.doubles, without.doubles) == nil)
    // So the gradients of a head's numbers have the sum 0.
    let gradient = valueAndGradients(of: tensors) {
      let y = apply(c.operation, to: $0)
      return (y * y).total()
    }.gradients[3]
    let largest = gradient.doubles.reduce(0) { max($0, abs($1)) }
    #expect(largest > 0.1)
    for sum in gradient.sum(over: 1).doubles { #expect(abs(sum) < 1e-3 * largest) }
  }

  /// The bias is the only input that is differentiated, or the only one that is not.
  @Test func gradientsThatNobodyWants() {
    let c = Case(heads: 4, keyHeads: 2, isCausal: true, queries: 140, keys: 140)
    let tensors = zip(inputs(c), shapes(c)).map { Tensor($0.map(Float.init), $1) }
    func loss(_ inputs: [Tensor]) -> Tensor {
      let y = apply(c.operation, to: inputs)
      return (y * y).total()
    }
    let all = valueAndGradients(of: tensors, loss).gradients
    let bias = valueAndGradients(of: [tensors[3]]) { loss(tensors[..<3] + $0) }.gradients
    #expect(bias[0].floats == all[3].floats)
    let others = valueAndGradients(of: Array(tensors[..<3])) { loss($0 + [tensors[3]]) }.gradients
    for (found, expected) in zip(others, all) { #expect(found.floats == expected.floats) }
  }

  @Test(arguments: [nil, 40], [false, true])
  func cachesEqualTheWhole(_ window: Int?, _ onReference: Bool) {
    let c = Case(
      heads: 4, keyHeads: 2, isCausal: true, queries: 150, keys: 150, window: window, scale: 1)
    let length = c.keys
    let tensors = zip(inputs(c), shapes(c)).map { values, shape in
      onReference
        ? ReferenceBackend.shared.tensor(doubles: values, shape)
        : Tensor(values.map(Float.init), shape)
    }
    func rows(_ x: Tensor, _ range: Range<Int>) -> Tensor {
      x.permuted(1, 0, 2)[range].permuted(1, 0, 2)
    }
    let whole = apply(c.operation, to: tensors)
    let steps = onReference ? [(60, 3)] : [(0, 1), (1, 1), (129, 1), (60, 70), (149, 1), (0, 150)]
    for (start, count) in steps {
      let keys = start + count
      // The distances that the new queries have to the keys so far.
      let distances = length - keys..<length + count - 1
      let bias = tensors[3].permuted(1, 0)[distances].permuted(1, 0)
      let found = c.operation(
        rows(tensors[0], start..<keys), keyCache: tensors[1], valueCache: tensors[2], keys: keys,
        bias: bias)
      let expected = rows(whole, start..<keys)
      #expect(Tolerance.float32.difference(found.doubles, expected.doubles) == nil)
    }
  }
}
