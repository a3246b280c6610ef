import Foundation
import Testing
import Verdant
import VerdantTestKit

/// Our own mistakes end the process with a message that names the operation.
@Suite(.serialized) struct TrapTests {
  /// Standard error names the operation in brackets.
  private func expectMessage(
    _ result: ExitTest.Result?, _ location: SourceLocation = #_sourceLocation
  ) {
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    let hasOperation = text.range(
      of: #"verdant: a bug: \[[a-z -]+\] "#, options: .regularExpression)
    #expect(hasOperation != nil, "\(text)", sourceLocation: location)
  }

  @Test func binaryShapes() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.ones([2]) + Tensor.ones([3])
      })
  }
  @Test func matmulShapes() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = matmul(.ones([2, 3]), .ones([2, 3]))
      })
  }
  @Test func affineShapes() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = affine(.ones([2, 3]), .ones([4, 2]))
      })
  }
  @Test func layerNormShapes() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = layerNorm(.ones([2, 3]), scale: .ones([2]))
      })
  }
  @Test func attentionShapes() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let x = Tensor.ones([1, 2, 6])
        _ = apply(Attention(heads: 4, isCausal: true), x, x, x)
      })
  }
  @Test(arguments: ["0", "-1", "inf", "1e-300", "nan"])
  func attentionScale(_ scale: String) async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [scale] in
        _ = Attention(heads: 1, isCausal: true, scale: Double(scale) ?? 1)
      })
  }
  @Test func attentionLengthsOfKeys() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Attention(heads: 1, isCausal: true, lengthsLimitKeysOnly: true)
      })
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let (q, k) = (Tensor.ones([1, 3, 6]), Tensor.ones([1, 2, 6]))
        _ = apply(Attention(heads: 1, isCausal: false), q, k, k, Tensor(integers: [1], [1]))
      })
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let (q, k) = (Tensor.ones([1, 3, 6]), Tensor.ones([1, 2, 6]))
        let operation = Attention(heads: 1, isCausal: false, lengthsLimitKeysOnly: true)
        _ = apply(operation, q, k, k, Tensor(integers: [3], [1]))
      })
  }
  @Test func attentionBias() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let x = Tensor.ones([1, 2, 6])
        _ = apply(Attention(heads: 2, isCausal: true, hasBias: true), x, x, x, .ones([2, 4]))
      })
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let x = Tensor.ones([1, 2, 6])
        let bias = Tensor.ones([2, 3]).cast(to: .bfloat16)
        _ = apply(Attention(heads: 2, isCausal: true, hasBias: true), x, x, x, bias)
      })
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let x = Tensor.ones([1, 2, 6])
        let operation = Attention(heads: 2, isCausal: true, hasBias: true)
        _ = operation(x, keyCache: x, valueCache: x, keys: 2)
      })
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let x = Tensor.ones([1, 2, 6])
        let operation = Attention(heads: 2, isCausal: true)
        _ = operation(x, keyCache: x, valueCache: x, keys: 2, bias: .ones([2, 3]))
      })
  }
  @Test func attentionCacheRoom() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let x = Tensor.ones([1, 2, 6])
        _ = Attention(heads: 1, isCausal: true)(x, keyCache: x, valueCache: x, keys: 3)
      })
  }
  @Test func attentionCacheIsNotRecorded() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = valueAndGradients(of: [.ones([1, 2, 6])]) { inputs in
          let q = Tensor.ones([1, 2, 6])
          return Attention(heads: 1, isCausal: true)(
            q,
            keyCache: inputs[0],
            valueCache: q,
            keys: 2
          ).total()
        }
      })
  }
  @Test func gatherIndexOutside() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = gatherRows(.ones([2, 3]), Tensor(integers: [2], [1]))
      })
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = gatherRows(.ones([2, 3]), Tensor(integers: [-1], [1]))
      })
  }
  @Test(arguments: [false, true])
  func targetOutside(_ onReference: Bool) async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        [onReference] in
        let backend: any Backend = onReference ? ReferenceBackend.shared : CPUBackend.shared
        _ = linearCrossEntropy(
          .ones([2, 2], on: backend),
          .ones([3, 2], on: backend),
          targets: Tensor(integers: [3, 0], [2], on: backend)
        )
      })
  }
  @Test func concatenationOfTwoTypes() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let half = CPUBackend.shared.cast(.ones([4]), to: .bfloat16)
        _ = Tensor.concatenated([half, .ones([4])])
      })
  }
  // By text: a NaN cannot be passed to the other process, and the test would never end.
  @Test(arguments: ["-0.1", "0.99999999", "1", "nan"])
  func dropoutRateOutside(_ rate: String) async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [rate] in
        _ = dropout(.ones([2]), rate: Double(rate) ?? 0, RandomSource(seed: 1))
      })
  }
  @Test func reshapeToAnotherCount() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.ones([6]).reshaped(to: [4])
      })
  }
  @Test func sliceOutside() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.ones([3])[1..<4]
      })
  }
  @Test func twoBackends() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.ones([2]) + Tensor.ones([2], on: ReferenceBackend.shared)
      })
  }
  @Test func gradientOfManyNumbers() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = valueAndGradients(of: [.ones([2])]) { $0[0] }
      })
  }
  @Test func writingARecordedValue() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = valueAndGradients(of: [.ones([1])]) { inputs in
          var x = inputs[0]
          x.withUnsafeMutableElements(as: Float.self) { $0[0] = 2 }
          return x
        }
      })
  }
  @Test func twoTapes() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = valueAndGradients(of: [.ones([1])]) { outer in
          valueAndGradients(of: [.ones([1])]) { $0[0] + outer[0] }.value
        }
      })
  }
  @Test func tapeOfAnotherThread() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
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
      })
  }
  @Test func tooManyAxes() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Shape([Int](repeating: 1, count: 9))
      })
  }
  @Test func numbersOfTheShapeBackend() async {
    expectMessage(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Tensor.zeros([2], on: ShapeBackend()).floats
      })
  }
}
