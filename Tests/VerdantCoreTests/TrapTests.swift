import Foundation
import Testing
import Verdant
import VerdantTestKit

/// Our own mistakes end the process with a message that names the operation.
@Suite(.serialized) struct TrapTests {
  @Test func binaryShapes() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.ones([2]) + Tensor.ones([3]) }
  }
  @Test func matmulShapes() async {
    await #expect(processExitsWith: .failure) { _ = matmul(.ones([2, 3]), .ones([2, 3])) }
  }
  @Test func affineShapes() async {
    await #expect(processExitsWith: .failure) { _ = affine(.ones([2, 3]), .ones([4, 2])) }
  }
  @Test func layerNormShapes() async {
    await #expect(processExitsWith: .failure) { _ = layerNorm(.ones([2, 3]), scale: .ones([2])) }
  }
  @Test func attentionShapes() async {
    await #expect(processExitsWith: .failure) {
      let x = Tensor.ones([1, 2, 6])
      _ = apply(Attention(heads: 4, isCausal: true), x, x, x)
    }
  }
  @Test func attentionCacheRoom() async {
    await #expect(processExitsWith: .failure) {
      let x = Tensor.ones([1, 2, 6])
      _ = Attention(heads: 1, isCausal: true)(x, keyCache: x, valueCache: x, keys: 3)
    }
  }
  @Test func attentionCacheIsNotRecorded() async {
    await #expect(processExitsWith: .failure) {
      _ = valueAndGradients(of: [.ones([1, 2, 6])]) { inputs in
        let q = Tensor.ones([1, 2, 6])
        return Attention(heads: 1, isCausal: true)(
          q,
          keyCache: inputs[0],
          valueCache: q,
          keys: 2
        ).total()
      }
    }
  }
  @Test func gatherIndexOutside() async {
    await #expect(processExitsWith: .failure) {
      _ = gatherRows(.ones([2, 3]), Tensor(integers: [2], [1]))
    }
    await #expect(processExitsWith: .failure) {
      _ = gatherRows(.ones([2, 3]), Tensor(integers: [-1], [1]))
    }
  }
  @Test(arguments: [false, true])
  func targetOutside(_ onReference: Bool) async {
    await #expect(processExitsWith: .failure) { [onReference] in
      let backend: any Backend = onReference ? ReferenceBackend.shared : CPUBackend.shared
      _ = linearCrossEntropy(
        .ones([2, 2], on: backend),
        .ones([3, 2], on: backend),
        targets: Tensor(integers: [3, 0], [2], on: backend)
      )
    }
  }
  @Test func concatenationOfTwoTypes() async {
    await #expect(processExitsWith: .failure) {
      let half = CPUBackend.shared.cast(.ones([4]), to: .bfloat16)
      _ = Tensor.concatenated([half, .ones([4])])
    }
  }
  // By text: a NaN cannot be passed to the other process, and the test would never end.
  @Test(arguments: ["-0.1", "0.99999999", "1", "nan"])
  func dropoutRateOutside(_ rate: String) async {
    await #expect(processExitsWith: .failure) { [rate] in
      _ = dropout(.ones([2]), rate: Double(rate) ?? 0, RandomSource(seed: 1))
    }
  }
  @Test func reshapeToAnotherCount() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.ones([6]).reshaped(to: [4]) }
  }
  @Test func sliceOutside() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.ones([3])[1..<4] }
  }
  @Test func twoBackends() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor.ones([2]) + Tensor.ones([2], on: ReferenceBackend.shared)
    }
  }
  @Test func gradientOfManyNumbers() async {
    await #expect(processExitsWith: .failure) { _ = valueAndGradients(of: [.ones([2])]) { $0[0] } }
  }
  @Test func writingARecordedValue() async {
    await #expect(processExitsWith: .failure) {
      _ = valueAndGradients(of: [.ones([1])]) { inputs in
        var x = inputs[0]
        x.withUnsafeMutableElements(as: Float.self) { $0[0] = 2 }
        return x
      }
    }
  }
  @Test func twoTapes() async {
    await #expect(processExitsWith: .failure) {
      _ = valueAndGradients(of: [.ones([1])]) { outer in
        valueAndGradients(of: [.ones([1])]) { $0[0] + outer[0] }.value
      }
    }
  }
  @Test func tapeOfAnotherThread() async {
    await #expect(processExitsWith: .failure) {
      _ = valueAndGradients(of: [.ones([1])]) { inputs in
        let x = inputs[0]
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
          _ = x * x
          done.signal()
        }
        done.wait()
        return x
      }
    }
  }
  @Test func tooManyAxes() async {
    await #expect(processExitsWith: .failure) { _ = Shape([Int](repeating: 1, count: 9)) }
  }
  @Test func numbersOfTheShapeBackend() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor.zeros([2], on: ShapeBackend()).floats
    }
  }
}
