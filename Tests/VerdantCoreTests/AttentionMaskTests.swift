import Testing
import Verdant
import VerdantTestKit

/// Windows and lengths of attention.
@Suite struct AttentionMaskTests {
  private func numbers(_ shape: Shape, _ seed: UInt64) -> Tensor {
    Tensor(sampleNumbers(shape.elementCount, seed: seed).map(Float.init), shape)
  }

  private func rows(_ x: Tensor, _ range: Range<Int>) -> Tensor {
    x.permuted(1, 0, 2)[range].permuted(1, 0, 2)
  }

  @Test func aWindowOfEverythingIsNone() {
    let inputs = (1...3).map { numbers([2, 150, 8], UInt64($0)) }
    for isCausal in [true, false] {
      let plain = apply(Attention(heads: 2, isCausal: isCausal), to: inputs)
      let wide = apply(Attention(heads: 2, isCausal: isCausal, window: 150), to: inputs)
      #expect(plain.floats == wide.floats)
    }
  }

  @Test func aWindowOfOneReturnsTheValues() {
    let inputs = (1...3).map { numbers([2, 300, 12], UInt64($0)) }
    let y = apply(Attention(heads: 3, isCausal: true, window: 1), to: inputs)
    #expect(y.floats == inputs[2].floats)
  }

  /// What lies outside the window changes no bit, and gets no gradient.
  @Test(arguments: [1, 17, 64, 130])
  func onlyTheWindowIsRead(_ window: Int) {
    let (length, width, query) = (400, 8, 290)
    let inputs = (1...3).map { numbers([1, length, width], UInt64($0)) }
    let operation = Attention(heads: 1, isCausal: true, window: window)
    func output(_ inputs: [Tensor]) -> Tensor {
      rows(apply(operation, to: inputs), query..<query + 1)
    }
    let before = output(inputs).floats
    let outside = (0..<query - window + 1)
    var changed = inputs
    for index in 1...2 {
      changed[index].withUnsafeMutableElements(as: Float.self) { elements in
        for place in outside.lowerBound * width..<outside.upperBound * width {
          elements[place] = 7
        }
      }
    }
    #expect(output(changed).floats == before)
    let gradients = valueAndGradients(of: inputs) { output($0).total() }.gradients
    for gradient in gradients[1...] {
      let seen = rows(gradient, query - window + 1..<query + 1)
      #expect(gradient.floats.filter { $0 != 0 }.count == seen.floats.filter { $0 != 0 }.count)
    }
    #expect(gradients[2].floats.contains { $0 != 0 })
  }

  @Test(arguments: [1, 33, 200])
  func cachesWithAWindowEqualTheWhole(_ window: Int) {
    let operation = Attention(heads: 2, keyHeads: 1, isCausal: true, window: window)
    let (length, width) = (300, 8)
    let q = numbers([2, length, 2 * width], 1)
    let (k, v) = (numbers([2, length, width], 2), numbers([2, length, width], 3))
    let whole = apply(operation, q, k, v)
    for (start, count) in [(0, 1), (1, 1), (129, 1), (130, 70), (299, 1), (0, 300)] {
      let found = operation(
        rows(q, start..<start + count), keyCache: k, valueCache: v, keys: start + count)
      let expected = rows(whole, start..<start + count)
      #expect(Tolerance.float32.difference(found.doubles, expected.doubles) == nil)
    }
  }

  /// Keys beyond a length are never read: each batch entry gives the bits of its own keys alone,
  /// for all its queries; without keys everything is 0.
  @Test(arguments: [nil, 60])
  func lengthsOfKeysLimitNoQuery(_ window: Int?) {
    let (queries, keys, width) = (90, 200, 6)
    let lengths = [200, 129, 128, 7, 0]
    let batch = lengths.count
    let operation = Attention(
      heads: 2, keyHeads: 1, isCausal: false, window: window, lengthsLimitKeysOnly: true)
    var inputs = [numbers([batch, queries, 2 * width], 1)]
    for seed in 2...3 {
      var x = numbers([batch, keys, width], UInt64(seed))
      x.withUnsafeMutableElements(as: Float.self) { elements in
        for entry in 0..<batch {
          for place in (entry * keys + lengths[entry]) * width..<(entry + 1) * keys * width {
            elements[place] = .nan
          }
        }
      }
      inputs.append(x)
    }
    func results(_ inputs: [Tensor], _ lengths: [Int]) -> [Tensor] {
      let counts = Tensor(integers: lengths.map(Int32.init), [lengths.count])
      let found = valueAndGradients(of: inputs) { inputs in
        let y = apply(operation, to: inputs + [counts])
        return (y * y).total()
      }
      return [apply(operation, to: inputs + [counts])] + found.gradients
    }
    let all = results(inputs, lengths)
    for (entry, length) in lengths.enumerated() {
      func own(_ x: Tensor) -> Tensor { x[entry..<entry + 1] }
      guard length > 0 else {
        for part in all { #expect(own(part).floats.allSatisfy { $0 == 0 }) }
        continue
      }
      // With a window the places of queries count from the end of all keys.
      if window == nil {
        let alone = [own(inputs[0])] + inputs[1...].map { rows(own($0), 0..<length) }
        let single = results(alone, [length])
        for (index, expected) in single.enumerated() {
          let found = index < 2 ? own(all[index]) : rows(own(all[index]), 0..<length)
          #expect(found.floats == expected.floats, "\(length) keys, part \(index)")
        }
      }
      for part in all[2...] {
        #expect(rows(own(part), length..<keys).floats.allSatisfy { $0 == 0 })
      }
    }
    for part in all { #expect(part.floats.allSatisfy { $0.isFinite }) }
    if window == nil { #expect(rows(all[0][3..<4], 0..<queries).floats.allSatisfy { $0 != 0 }) }
  }

  /// A padded batch gives the bits of each sequence alone, whatever the padding holds, NaN too.
  @Test(arguments: [true, false], [nil, 20])
  func paddingIsNeverRead(_ isCausal: Bool, _ window: Int?) {
    let (batch, length, width) = (4, 200, 6)
    let lengths = [200, 131, 7, 0]
    let operation = Attention(heads: 2, isCausal: isCausal, window: window)
    let inputs = (1...3).map { seed in
      var x = numbers([batch, length, width], UInt64(seed))
      x.withUnsafeMutableElements(as: Float.self) { elements in
        for row in 0..<batch {
          for place in (row * length + lengths[row]) * width..<(row + 1) * length * width {
            elements[place] = .nan
          }
        }
      }
      return x
    }
    let counts = Tensor(integers: lengths.map(Int32.init), [batch])
    let results = valueAndGradients(of: inputs) { inputs in
      let y = apply(operation, to: inputs + [counts])
      return (y * y).total()
    }
    let output = apply(operation, to: inputs + [counts])
    for row in 0..<batch {
      func own(_ x: Tensor) -> Tensor { x[row..<row + 1] }
      let rest = rows(own(output), lengths[row]..<length).floats
      #expect(rest.allSatisfy { $0 == 0 })
      let alone = inputs.map { rows(own($0), 0..<lengths[row]) }
      let single = valueAndGradients(of: alone) { inputs in
        let y = apply(operation, to: inputs)
        return (y * y).total()
      }
      #expect(rows(own(output), 0..<lengths[row]).floats == apply(operation, to: alone).floats)
      for (all, expected) in zip(results.gradients, single.gradients) {
        #expect(rows(own(all), lengths[row]..<length).floats.allSatisfy { $0 == 0 })
        let found = rows(own(all), 0..<lengths[row])
        #expect(Tolerance.float32.difference(found.doubles, expected.doubles) == nil)
      }
    }
  }
}
