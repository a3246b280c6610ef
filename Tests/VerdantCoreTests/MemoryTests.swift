import Testing
import Verdant
import VerdantTestKit

/// Counters belong to the process: each test counts in a process of its own.
@Suite(.serialized) struct MemoryTests {
  @Test func writingASharedTensorCopies() async {
    await #expect(processExitsWith: .success) {
      var a = Tensor([1, 2, 3], [3])
      let before = CopyCounter.shared.byteCount
      a.withUnsafeMutableElements(as: Float.self) { $0[0] = 9 }
      #expect(CopyCounter.shared.byteCount == before, "unique memory is written in place")
      let b = a
      a.withUnsafeMutableElements(as: Float.self) { $0[1] = 8 }
      #expect(CopyCounter.shared.byteCount == before + 12)
      #expect(a.floats == [9, 8, 3] && b.floats == [9, 2, 3])
      var slice = a[1..<3]
      slice.withUnsafeMutableElements(as: Float.self) { $0[0] = 0 }
      #expect(CopyCounter.shared.byteCount == before + 20)
      #expect(slice.floats == [0, 3] && a.floats == [9, 8, 3])
      #expect(b.floats == [9, 2, 3])
    }
  }

  @Test func repeatedWorkTakesNoNewBlock() async {
    await #expect(processExitsWith: .success) {
      // With one thread, every scratch block is seen in the first step.
      Compute.threadCount = 1
      for library in [true, false] {
        Compute.useProductLibrary(library)
        for _ in 0..<2 { step() }
        let before = Compute.blocksTaken
        for _ in 0..<5 { step() }
        #expect(Compute.blocksTaken == before)
      }
      // With two, a worker may meet its first block late, but each has at most four.
      Compute.threadCount = 2
      for _ in 0..<2 { step() }
      let before = Compute.blocksTaken
      for _ in 0..<20 { step() }
      #expect(Compute.blocksTaken <= before + 4)
    }
  }

  @Test func trimReturnsTheMemory() {
    let backend = CPUBackend()
    _ = Tensor.ones([1000], on: backend) + Tensor.ones([1000], on: backend)
    #expect(backend.pooledByteCount >= 12_000)
    backend.trimPool()
    #expect(backend.pooledByteCount == 0)
  }

  @Test func guardZonesShowWritesOutside() {
    let backend = CPUBackend(poisonsMemory: true)
    for place in [-1, 0, 6, 7] {
      let before = backend.overrunCount
      do {
        let x = backend.tensor([Float](repeating: 0, count: 7), [7])
        x.withUnsafeElements(as: Float.self) {
          UnsafeMutablePointer(mutating: $0.baseAddress)?.advanced(by: place).pointee = 1
        }
      }
      #expect((backend.overrunCount > before) == !(0..<7).contains(place))
    }
  }

  @Test func poisonIsNaN() {
    let backend = CPUBackend(poisonsMemory: true)
    let block = Tensor(backend.allocate(33, .float32), shape: [33])
    #expect(block.floats.allSatisfy { $0.isNaN })
  }
}

private func step() {
  let x = Tensor.random([2, 70, 32], .normal(deviation: 1), RandomSource(seed: 1))
  let w = Tensor.random([96, 32], .normal(deviation: 0.1), RandomSource(seed: 2))
  let head = Tensor.random([300, 32], .normal(deviation: 0.1), RandomSource(seed: 3))
  let targets = Tensor(integers: (0..<140).map { Int32($0) }, [2, 70])
  _ = valueAndGradients(of: [x, w, .ones([32]), head]) { inputs in
    let qkv = affine(layerNorm(inputs[0], scale: inputs[2]), inputs[1], activation: .silu)
    let parts = qkv.reshaped(to: [140, 3, 32]).permuted(1, 0, 2)
    let all = (0..<3).map { parts[$0..<$0 + 1].reshaped(to: [2, 70, 32]) }
    let mixed = apply(Attention(heads: 2, isCausal: true), all[0], all[1], all[2])
    return linearCrossEntropy(mixed + inputs[0], inputs[3], targets: targets)
  }
}
