import Testing
import Verdant
import VerdantTestKit

/// Operations on bf16 inputs against their definitions in f64 on the same rounded numbers.
@Suite(.serialized) struct BFloat16OperationTests {
  // One rounding of an output to 8 bits of mantissa, and of the intermediate gradients.
  private static let tolerance = 0.02

  private func expectClose(_ found: Tensor, _ expected: [Double], _ name: String) {
    let values = found.doubles
    let size = max(expected.map(abs).max() ?? 0, 1e-6)
    for (index, pair) in zip(values, expected).enumerated()
    where !(abs(pair.0 - pair.1) <= Self.tolerance * size) {
      Issue.record("\(name)[\(index)] is \(pair.0), expected \(pair.1)")
      return
    }
    #expect(values.count == expected.count)
  }

  private func numbers(_ shape: Shape, _ seed: UInt64) -> Tensor {
    Tensor(sampleNumbers(shape.elementCount, seed: seed).map(Float.init), shape)
  }

  /// Values and gradients of `function` with the first `narrow` inputs in bf16.
  private func check(
    _ inputs: [Tensor], narrow: Int, _ name: String, _ function: ([Tensor]) -> Tensor
  ) {
    let rounded = inputs.enumerated().map { index, x in
      index < narrow ? x.cast(to: .bfloat16).cast(to: .float32) : x
    }
    func loss(_ y: Tensor) -> Tensor { (y * y).total() }
    let found = valueAndGradients(of: rounded) { leaves in
      let inputs = leaves.enumerated().map { $0 < narrow ? $1.cast(to: .bfloat16) : $1 }
      return loss(function(inputs))
    }
    let reference = ReferenceBackend.shared
    let moved = rounded.map { reference.tensor(doubles: $0.doubles, $0.shape) }
    let expected = valueAndGradients(of: moved) { loss(function($0)) }
    expectClose(found.value, expected.value.doubles, "\(name): value")
    for (index, pair) in zip(found.gradients, expected.gradients).enumerated() {
      #expect(pair.0.dtype == .float32)
      expectClose(pair.0, pair.1.doubles, "\(name): gradient \(index)")
    }
  }

  @Test func everyOperation() throws {
    try OwnProcess.perform {
      for name in Compute.instructionSets {
        Compute.select(instructionSet: name)
        Compute.useProductLibrary(false)
        checkOperations(name)
      }
      Compute.useProductLibrary(true)
      checkOperations("library")
    }
  }

  // The slope of tanh falls exponentially: rounding what enters it changes it by more than the rest.
  private let activations = Activation.allCases.filter { $0 != .tanh }

  private func checkOperations(_ name: String) {
    for (rows, width, columns) in [(3, 5, 4), (1, 1, 1), (130, 70, 600), (65, 33, 50)] {
      let (x, w) = (numbers([rows, width], 1), numbers([columns, width], 2))
      let (bias, residual) = (numbers([columns], 3), numbers([rows, columns], 4))
      for activation in activations {
        check([x, w, bias], narrow: 1, "\(name): affine \(activation) \(rows)") {
          affine($0[0], $0[1], bias: $0[2], activation: activation)
        }
      }
      check([x, w, bias, residual], narrow: 1, "\(name): affine + residual \(rows)") {
        affine($0[0], $0[1], bias: $0[2], adding: $0[3])
      }
    }
    for (heads, keyHeads, length, width) in [(2, 1, 130, 16), (1, 1, 5, 3), (3, 3, 70, 32)] {
      check(
        [
          numbers([2, length, heads * width], 5), numbers([2, length, keyHeads * width], 6),
          numbers([2, length, keyHeads * width], 7),
        ], narrow: 3, "\(name): attention \(length)"
      ) { apply(Attention(heads: heads, keyHeads: keyHeads, isCausal: true), to: $0) }
      check(
        [
          numbers([2, length, heads * width], 5), numbers([2, length, keyHeads * width], 6),
          numbers([2, length, keyHeads * width], 7),
        ], narrow: 3, "\(name): attention with window and lengths \(length)"
      ) {
        let lengths = Tensor(
          integers: [Int32(length - 1), Int32(length / 3)], [2], on: $0[0].backend)
        return apply(
          Attention(heads: heads, keyHeads: keyHeads, isCausal: false, window: 21),
          to: $0 + [lengths])
      }
      check(
        [
          numbers([2, length + 9, heads * width], 5), numbers([2, length, keyHeads * width], 6),
          numbers([2, length, keyHeads * width], 7),
        ], narrow: 3, "\(name): attention to \(length) keys"
      ) {
        let lengths = Tensor(integers: [Int32(length - 1), Int32(length)], [2], on: $0[0].backend)
        return apply(
          Attention(
            heads: heads, keyHeads: keyHeads, isCausal: false, scale: 0.2,
            lengthsLimitKeysOnly: true), to: $0 + [lengths])
      }
      for isCausal in [true, false] {
        check(
          [
            numbers([2, length, heads * width], 5), numbers([2, length, keyHeads * width], 6),
            numbers([2, length, keyHeads * width], 7), numbers([heads, 2 * length - 1], 8),
          ], narrow: 3, "\(name): attention with a bias, causal \(isCausal), \(length)"
        ) {
          let lengths = Tensor(
            integers: [Int32(length), Int32(length - 1)], [2], on: $0[0].backend)
          return apply(
            Attention(heads: heads, keyHeads: keyHeads, isCausal: isCausal, hasBias: true),
            to: $0[..<3] + [lengths, $0[3]])
        }
      }
    }
    for (rows, width) in [(3, 10), (70, 1030)] {
      let (x, y) = (numbers([1, rows, width], 8), numbers([1, rows, width], 9))
      check([x], narrow: 1, "\(name): rotary") { rotary($0[0], heads: 1, from: 5) }
      for activation in activations {
        check([x, y], narrow: 2, "\(name): gated unit") { gatedUnit($0[0], $0[1], activation) }
      }
      check([x, numbers([width], 3)], narrow: 0, "\(name): rms norm") {
        rmsNorm($0[0], scale: $0[1], isNarrow: $0[0].backend is CPUBackend)
      }
    }
  }

  @Test func theOutputIsNarrowWhereTheInputIs() {
    let x = numbers([4, 8], 1).cast(to: .bfloat16)
    #expect(affine(x, numbers([8, 8], 2)).dtype == .bfloat16)
    #expect(affine(x, numbers([8, 8], 2), adding: numbers([4, 8], 3)).dtype == .float32)
    #expect(affine(x, numbers([8, 8], 2), isWide: true).dtype == .float32)
    #expect(layerNorm(numbers([4, 8], 1), scale: .ones([8]), isNarrow: true).dtype == .bfloat16)
    // An operation without a bf16 kernel widens.
    #expect((x + x).dtype == .float32 && (x + x).floats == x.floats.map { 2 * $0 })
  }

  @Test func productsOfBFloat16() {
    check([numbers([5, 7], 1), numbers([7, 3], 2)], narrow: 2, "product") { matmul($0[0], $0[1]) }
    check([numbers([2, 5, 7], 1), numbers([2, 7, 3], 2)], narrow: 1, "mixed") {
      matmul($0[0], $0[1])
    }
    let narrow = numbers([4, 8], 1).cast(to: .bfloat16)
    #expect(matmul(narrow, narrow, transposeB: true).dtype == .float32)
  }

  @Test func theHeadReadsBFloat16() {
    let x = numbers([40, 16], 1).cast(to: .bfloat16).cast(to: .float32)
    let w = numbers([50, 16], 2)
    let targets = Tensor(integers: (0..<40).map { Int32($0 % 50) - ($0 % 7 == 0 ? 60 : 0) }, [40])
    let wide = valueAndGradients(of: [x, w]) {
      linearCrossEntropy($0[0], $0[1], targets: targets)
    }
    let narrow = valueAndGradients(of: [x, w]) {
      linearCrossEntropy($0[0].cast(to: .bfloat16), $0[1], targets: targets)
    }
    expectClose(narrow.value, wide.value.doubles, "loss")
    for (found, expected) in zip(narrow.gradients, wide.gradients) {
      expectClose(found, expected.doubles, "gradient")
    }
  }

  @Test func aWriteForgetsTheNarrowCopy() {
    var w = numbers([8, 8], 2)
    let before = w.narrowed().floats
    w.withUnsafeMutableElements(as: Float.self) { $0[0] = 3 }
    #expect(w.narrowed().floats[0] == 3 && before[0] != 3)
    #expect(w.narrowed().floats.dropFirst().elementsEqual(before.dropFirst()))
  }
}
