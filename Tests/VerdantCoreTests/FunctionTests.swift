import Foundation
import Testing
import Verdant
import VerdantTestKit

@Suite(.serialized) struct FunctionTests {
  @Test(arguments: Compute.instructionSets)
  func accuracyOverAllNumbers(_ name: String) async {
    await #expect(processExitsWith: .success) { [name] in
      Compute.select(instructionSet: name)
      checkExponential()
      checkLogarithm()
      checkHyperbolicTangent()
      checkActivations()
    }
  }

  @Test(arguments: [false, true])
  func maximumKeepsNaN(_ inner: Bool) {
    for length in [1, 3, 4, 15, 16, 17, 40] {
      for place in 0..<length {
        var values = (0..<length).map { Float($0 % 5) - 9 }
        values[place] = 3
        let shape: Shape = inner ? [length, 1, 2] : [1, length]
        func most(_ values: [Float]) -> [Float] {
          let twice = inner ? values.flatMap { [$0, $0] } : values
          return Tensor(twice, shape).maximum(over: inner ? 0 : 1).floats
        }
        #expect(most(values).allSatisfy { $0 == 3 })
        values[place] = .nan
        #expect(most(values).allSatisfy { $0.isNaN })
      }
    }
    #expect(Tensor([-.infinity, -.infinity], [2]).maximum(over: 0).floats == [-.infinity])
    #expect(
      maximum(Tensor([.nan, 1], [2]), Tensor([1, .nan], [2])).floats.allSatisfy { $0.isNaN }
    )
  }
}

// Every 9973rd bit pattern, a prime, and the limits.
private let numbers: [Float] =
  stride(from: 0, to: 1 << 32, by: 9973).map { Float(bitPattern: UInt32($0)) } + [
    0, -0.0, .infinity, -.infinity, .nan, 1e4, -1e4, .leastNonzeroMagnitude,
    -.leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude,
    -.greatestFiniteMagnitude, 1, -1, 88.72, 88.7228, 88.7229, -87.336, -87.337, -103.9, -104,
    0.625, 0.6249999, 1.0000001, 0.99999994, 0.70710678, Float(bitPattern: 71_362),
  ] + stride(from: -110, to: 95, by: 0.0137).map { Float($0) }

private func units(_ found: Float, _ expected: Double) -> Double {
  abs(Double(found) - expected) / Double(Float(expected).ulp)
}

private func worst(
  _ name: String,
  _ found: [Float],
  _ limit: Double,
  _ expected: (Double) -> Double,
  isAllowed: (Float, Double) -> Bool
) {
  var (worst, place) = (0.0, Float.nan)
  for (x, y) in zip(numbers, found) {
    let exact = expected(Double(x))
    if (exact.isNaN && y.isNaN) || Double(y) == exact || isAllowed(y, exact) { continue }
    let error = Float(exact).isFinite && y.isFinite ? units(y, exact) : .infinity
    if !(error <= worst) { (worst, place) = (error, x) }
  }
  #expect(worst <= limit, "\(name)(\(place)) is wrong by \(worst) units in the last place")
}

private func checkExponential() {
  // Subnormal results become 0; the last 3e-5 below the overflow may be infinite.
  worst("exp", exp(Tensor(numbers, [numbers.count])).floats, 1.5, { Foundation.exp($0) }) {
    ($1 < 0x1p-125 && $0 >= 0 && $0 < 0x1p-125) || ($1 > 3.402e38 && $0 == .infinity)
  }
}

private func checkLogarithm() {
  worst("log", log(Tensor(numbers, [numbers.count])).floats, 1.5, { Foundation.log($0) }) { _, _ in
    false
  }
}

private func checkHyperbolicTangent() {
  worst("tanh", tanh(Tensor(numbers, [numbers.count])).floats, 3, { Foundation.tanh($0) }) {
    _,
    _ in false
  }
}

private func sigmoid(_ x: Double) -> Double { 1 / (1 + Foundation.exp(-x)) }

private func checkActivations() {
  func gelu(_ x: Double) -> Double {
    x * sigmoid(2 * 0.7978845608028654 * (x + 0.044715 * x * x * x))
  }
  func slopeOfGelu(_ x: Double) -> Double {
    if abs(x) > 1e3 { return x > 0 ? 1 : 0 }
    let s = sigmoid(2 * 0.7978845608028654 * (x + 0.044715 * x * x * x))
    return s + x * s * (1 - s) * 2 * 0.7978845608028654 * (1 + 3 * 0.044715 * x * x)
  }
  func slopeOfSilu(_ x: Double) -> Double {
    if abs(x) > 1e3 { return x > 0 ? 1 : 0 }
    return sigmoid(x) * (1 + x * (1 - sigmoid(x)))
  }
  func exactGELU(_ x: Double) -> Double { x * erfc(-x * 0.5.squareRoot()) / 2 }
  func slopeOfExactGELU(_ x: Double) -> Double {
    let density = Foundation.exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    return erfc(-x * 0.5.squareRoot()) / 2 + (density == 0 ? 0 : x * density)
  }
  let exact: [(Activation, (Double) -> Double, (Double) -> Double)] = [
    (.gelu, gelu, slopeOfGelu), (.silu, { $0 * sigmoid($0) }, slopeOfSilu),
    (.relu, { max($0, 0) }, { $0 > 0 ? 1 : 0 }), (.none, { $0 }, { _ in 1 }),
    (.geluExact, exactGELU, slopeOfExactGELU),
    (.tanh, { Foundation.tanh($0) }, { 1 - Foundation.tanh($0) * Foundation.tanh($0) }),
  ]
  let finite = numbers.filter(\.isFinite)
  let x = Tensor(finite, [finite.count, 1])
  for (activation, value, slope) in exact {
    let results = valueAndGradients(of: [x]) {
      affine($0[0], .ones([1, 1]), activation: activation).total()
    }
    let found = affine(x, .ones([1, 1]), activation: activation).floats
    for (index, input) in finite.enumerated() {
      // An exponent of 88 that is wrong by two roundings changes the tail by 1e-5 of itself;
      // where 1 / (1 + exp(-x)) leaves the floats the value is 0.
      let expected = value(Double(input))
      if Double(found[index]) == expected { continue }
      let error = abs(Double(found[index]) - expected)
      #expect(error <= 2e-5 * abs(expected) + 1e-35, "\(activation)(\(input))")
      guard activation == .geluExact, abs(expected) > 1e-30 else { continue }
      #expect(units(found[index], expected) <= 8, "\(activation)(\(input))")
    }
    for (input, gradient) in zip(finite, results.gradients[0].floats) {
      let error = abs(Double(gradient) - slope(Double(input)))
      #expect(error <= 2e-6, "slope of \(activation)(\(input)) is \(gradient)")
      if !(error <= 2e-6) { break }
    }
  }
  let bad = affine(Tensor([.nan], [1, 1]), .ones([1, 1]), activation: .gelu).floats[0]
  #expect(bad.isNaN)
  for activation in Activation.allCases where activation != .tanh {
    let most = affine(Tensor([.infinity], [1, 1]), .ones([1, 1]), activation: activation).floats[0]
    #expect(most == .infinity)
  }
}
