import Testing
import Verdant
import VerdantCore
import VerdantTestKit

@Suite struct TapeTests {
  @Test func valueUsedTwiceAccumulates() {
    let x = Tensor([1, 2, 3], [3])
    let results = valueAndGradients(of: [x]) { ($0[0] * $0[0] + $0[0] + $0[0]).total() }
    #expect(results.gradients[0].floats == [4, 6, 8])
    #expect(x.floats == [1, 2, 3])
  }

  @Test func manyUsesOfOneValue() {
    let gradients = valueAndGradients(of: [Tensor([2], [1])]) { inputs in
      (0..<10).reduce(inputs[0]) { sum, _ in sum + inputs[0] * sum }.total()
    }.gradients
    // x (1 + x)^10: (1 + x)^10 + 10 x (1 + x)^9.
    #expect(abs(gradients[0].scalar / (59049 + 20 * 19683) - 1) < 1e-6)
  }

  // Parts that share memory must not be added to in place.
  @Test func sharedGradientsStayApart() {
    let (a, b) = (Tensor([1, 2], [2]), Tensor([3, 4], [2]))
    let gradients = valueAndGradients(of: [a, b]) { inputs in
      let sum = inputs[0] + inputs[1]
      let parts = Tensor.concatenated([inputs[0], inputs[1], inputs[0]])
      return (sum + parts[0..<2] + parts[2..<4].reshaped(to: [2]) * 5 + inputs[0] * 7).total()
        + sum.total() * 100
    }.gradients
    #expect(gradients[0].floats == [109, 109])
    #expect(gradients[1].floats == [106, 106])
  }

  @Test func detachedCuts() {
    let results = valueAndGradients(of: [Tensor([3], [1])]) { $0[0] * $0[0].detached() }
    #expect(results.gradients[0].floats == [3])
    let none = valueAndSparseGradients(of: [Tensor([3], [1])]) { ($0[0] * 2).detached() }
    #expect(none.gradients[0] == nil)
  }

  @Test func unusedInputsHaveZeros() {
    let results = valueAndGradients(of: [.ones([2]), .ones([3])]) { $0[0].total() }
    #expect(results.gradients[1].floats == [0, 0, 0])
  }

  @Test func theValueItselfMayBeAnInput() {
    let results = valueAndGradients(of: [Tensor([4], [1])]) { $0[0] }
    #expect(results.value.scalar == 4 && results.gradients[0].floats == [1])
  }

  @Test func whatIsNotTracedIsNotRecorded() {
    let x = Tensor.ones([2])
    #expect(!(x * x).isTraced)
    _ = valueAndGradients(of: [x]) { inputs in
      #expect((inputs[0] * x).isTraced && !(x * x).isTraced)
      return inputs[0].total()
    }
  }

  @Test func memoryIsFreedAfterTheGradients() {
    weak var saved: Storage?
    weak var output: Storage?
    let results = valueAndGradients(of: [.ones([100])]) { inputs in
      let squared = inputs[0] * inputs[0]
      saved = squared.storage
      let y = exp(squared)
      output = y.storage
      return (y * squared).total()
    }
    #expect(saved == nil && output == nil)
    #expect(results.gradients[0].count == 100)
  }

  @Test func memoryIsFreedWhenTheFunctionThrows() {
    struct Stop: Error {}
    weak var saved: Storage?
    #expect(throws: Stop.self) {
      _ = try valueAndGradients(of: [.ones([10])]) { inputs -> Tensor in
        let squared = inputs[0] * inputs[0]
        saved = squared.storage
        throw Stop()
      }
    }
    #expect(saved == nil)
  }

  // A gradient that is not used any more frees its memory during the walk, not after it.
  @Test func walkingHoldsFewGradients() {
    let backend = CPUBackend()
    func chain(_ steps: Int) -> Int {
      backend.trimPool()
      _ = valueAndGradients(of: [.ones([1 << 16], on: backend)]) { inputs in
        (0..<steps).reduce(inputs[0]) { x, _ in -x }.total()
      }
      return backend.pooledByteCount
    }
    // One step saves its input and output, so memory grows by one block a step and not by two.
    #expect(chain(40) - chain(20) <= 20 << 18)
  }
}
