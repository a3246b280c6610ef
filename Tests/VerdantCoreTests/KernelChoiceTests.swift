import Testing
import Verdant
import VerdantTestKit

/// Choices of kernels belong to the process, so each test makes them in a process of its own.
@Suite(.serialized) struct KernelChoiceTests {
  @Test(arguments: Compute.instructionSets)
  func everyInstructionSetEqualsReference(_ name: String) async {
    await #expect(processExitsWith: .success) { [name] in
      #expect(Compute.select(instructionSet: name))
      #expect(Compute.instructionSet == name)
      for primitive in CheckedPrimitive.all {
        expectNothing(primitive.check { CheckPrimitive.values(of: $0) })
        expectNothing(primitive.check { CheckPrimitive.memory(of: $0) })
      }
    }
  }

  @Test(arguments: Compute.instructionSets)
  func builtInProductsEqualReference(_ name: String) async {
    await #expect(processExitsWith: .success) { [name] in
      Compute.select(instructionSet: name)
      Compute.useProductLibrary(false)
      #expect(Compute.productProvider == "built-in")
      for primitive in CheckedPrimitive.all {
        expectNothing(primitive.check { CheckPrimitive.values(of: $0) })
        expectNothing(primitive.check { CheckPrimitive.memory(of: $0) })
      }
    }
  }

  @Test(arguments: [false, true])
  func threadCountsGiveTheSameBits(_ library: Bool) async {
    await #expect(processExitsWith: .success) { [library] in
      Compute.useProductLibrary(library)
      for primitive in CheckedPrimitive.all {
        expectNothing(primitive.check { CheckPrimitive.threads(of: $0) })
      }
      expectNothing(largeThreadFindings())
    }
  }

  @Test func unknownInstructionSetIsRefused() {
    #expect(!Compute.select(instructionSet: "none-such"))
  }
}

/// The same with sizes that give every thread work.
private func largeThreadFindings() -> [Finding] {
  func numbers(_ shape: Shape, _ seed: UInt64) -> Tensor {
    Tensor(sampleNumbers(shape.elementCount, seed: seed).map(Float.init), shape)
  }
  let x = numbers([2, 333, 96], 1)
  let weight = numbers([288, 96], 2)
  let scale = numbers([96], 3)
  let head = numbers([1000, 96], 4)
  let targets = Tensor(integers: (0..<666).map { Int32($0 % 7 == 0 ? -1 : $0) }, [2, 333])
  let results = [1, 2].map { count in
    Compute.threadCount = count
    return valueAndGradients(of: [x, weight, scale, head]) { inputs in
      let normal = layerNorm(inputs[0], scale: inputs[2])
      let all = affine(normal, inputs[1], activation: .gelu).reshaped(to: [666, 3, 96])
        .permuted(1, 0, 2)
      let parts = (0..<3).map { all[$0..<$0 + 1].reshaped(to: [2, 333, 96]) }
      let mixed = apply(Attention(heads: 4, isCausal: true), parts[0], parts[1], parts[2])
      return linearCrossEntropy(mixed, inputs[3], targets: targets)
    }
  }
  return zip([results[0].value] + results[0].gradients, [results[1].value] + results[1].gradients)
    .enumerated().compactMap { index, pair in
      pair.0.floats.map(\.bitPattern) == pair.1.floats.map(\.bitPattern)
        ? nil : Finding("block", "result \(index) has other bits with two threads")
    }
}
