import Testing
import Verdant
import VerdantTestKit

@Suite struct NormTests {
  @Test(arguments: [0, 1, -1, 1e4, 1e-30, 1e18])
  func constantRowsAreFinite(_ value: Float) {
    for width in [1, 2, 17, 100] {
      let x = Tensor([Float](repeating: value, count: 3 * width), [3, width])
      let results = valueAndGradients(of: [x, .ones([width]), .zeros([width])]) {
        let y = layerNorm($0[0], scale: $0[1], bias: $0[2])
        return (y * y + y).total()
      }
      #expect(results.value.scalar.isFinite)
      for gradient in results.gradients { #expect(gradient.floats.allSatisfy { $0.isFinite }) }
      if value == 0 {
        #expect(layerNorm(x, scale: .ones([width])).floats.allSatisfy { $0 == 0 })
      }
    }
  }

  @Test func farFromZero() {
    // Mean 1000, deviation 1: one-pass formulas lose all digits here.
    let width = 512
    let noise = sampleNumbers(width, seed: 3)
    let x = Tensor(noise.map { Float(1000 + $0) }, [1, width])
    let reference = ReferenceBackend.shared
    let expected = layerNorm(
      reference.tensor(doubles: x.doubles, [1, width]),
      scale: .ones([width], on: reference)
    )
    let found = layerNorm(x, scale: .ones([width]))
    // The mean itself is rounded to 2⁻²⁴ · 1000.
    #expect(Tolerance(relative: 2e-4).difference(found.doubles, expected.doubles) == nil)
  }

  @Test(arguments: [0, 1, -1, 1e4, 1e-30, 1e17])
  func constantRowsHaveAFiniteMeanSquare(_ value: Float) {
    for width in [1, 17, 600] {
      let x = Tensor([Float](repeating: value, count: 3 * width), [3, width])
      let results = valueAndGradients(of: [x, .ones([width])]) {
        let y = rmsNorm($0[0], scale: $0[1])
        return (y * y + y).total()
      }
      #expect(results.value.scalar.isFinite)
      for gradient in results.gradients { #expect(gradient.floats.allSatisfy { $0.isFinite }) }
      let expected: Float = abs(value) >= 1 ? (value > 0 ? 1 : -1) : 0
      let y = rmsNorm(x, scale: .ones([width])).floats
      #expect(y.allSatisfy { abs($0 - expected) < 1e-4 })
    }
  }

  @Test func onlyLayerNormTakesOffTheMean() {
    let x = Tensor([1, 2, 3, 4, 11, 12, 13, 14], [2, 4])
    let scale = Tensor.ones([4])
    let layer = layerNorm(x, scale: scale).floats
    let root = rmsNorm(x, scale: scale).floats
    #expect(zip(layer[..<4], layer[4...]).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(abs(root[0] - root[4]) > 0.1)
  }
}
