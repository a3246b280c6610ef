import CVerdant
import Testing
import Verdant
import VerdantTestKit

@Suite struct RandomTests {
  // The vectors published with Random123.
  @Test func knownAnswers() {
    let ones = [UInt32](repeating: .max, count: 4)
    #expect(
      Philox.words(counter: [0, 0, 0, 0], key: [0, 0])
        == [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]
    )
    #expect(
      Philox.words(counter: ones, key: [.max, .max])
        == [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]
    )
    #expect(
      Philox.words(
        counter: [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344],
        key: [0xA409_3822, 0x299F_31D0]
      )
        == [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]
    )
  }

  @Test func allVersionsOfPhiloxAgree() {
    var source = RandomSource(seed: 1)
    for step in 0..<1000 {
      source = source.stream(step)
      let counter = source.key &* 0x9E37_79B9_7F4A_7C15 >> UInt64(step % 64)
      let expected = Philox.words(key: source.key, counter: counter)
      let (a, b, c, d) = source.words(at: counter)
      #expect([a, b, c, d] == expected)
      var words = [UInt32](repeating: 0, count: 4)
      vd_philox(source.key, counter, &words)
      #expect(words == expected)
    }
    var words = [UInt32](repeating: 0, count: 4)
    vd_philox(0, 0, &words)
    #expect(words == [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8])
  }

  @Test func normalNumbers() {
    let count = 400_003
    let x = Tensor.random(
      [count],
      .normal(mean: 2, deviation: 3),
      RandomSource(seed: 5)
    ).doubles
    let mean = x.reduce(0, +) / Double(count)
    let moments = (2...4).map { power in
      x.reduce(0) { sum, value in
        let z = (value - mean) / 3
        return sum + (0..<power).reduce(1.0) { product, _ in product * z }
      } / Double(count)
    }
    // Five standard errors of each moment of a normal distribution.
    let root = Double(count).squareRoot()
    #expect(abs(mean - 2) < 5 * 3 / root)
    #expect(abs(moments[0] - 1) < 5 * 1.42 / root)
    #expect(abs(moments[1]) < 5 * 3.9 / root)
    #expect(abs(moments[2] - 3) < 5 * 9.8 / root)
    #expect(x.allSatisfy { $0.isFinite })
  }

  @Test func uniformNumbersStayInside() {
    for (low, high) in [(-1.0, 1.0), (0, 1e-38), (1, 1.0000002), (-3e38, 3e38), (5, 5)] {
      let values = Tensor.random(
        [50_001],
        .uniform(low: low, high: high),
        RandomSource(seed: 6)
      ).floats
      let (low, high) = (Float(low), Float(high))
      #expect(values.allSatisfy { $0 >= low && ($0 < high || low == high) })
    }
    let mean =
      Tensor.random([100_000], .uniform(low: 0, high: 1), RandomSource(seed: 7))
      .total().scalar / 1e5
    #expect(abs(mean - 0.5) < 5 * 0.2887 / 316)
  }

  @Test func cpuDrawsTheNumbersOfTheReference() {
    let stream = RandomSource(seed: 9).stream("weights")
    for distribution in [
      Distribution.normal(mean: 1, deviation: 0.02), .uniform(low: -0.1, high: 0.3),
    ] {
      let found = Tensor.random([8195], distribution, stream).doubles
      let expected = Tensor.random([8195], distribution, stream, on: ReferenceBackend.shared)
      // libm's last bit may differ between languages.
      #expect(Tolerance(relative: 0x1p-23).difference(found, expected.doubles) == nil)
    }
  }

  @Test(arguments: [0.1, 0.5, 0.9])
  func dropoutKeepsItsShare(_ rate: Double) {
    let count = 200_001
    let stream = RandomSource(seed: 3)
    let results = valueAndGradients(of: [.ones([count])]) {
      dropout($0[0], rate: rate, stream).total()
    }
    let output = dropout(.ones([count]), rate: rate, stream).floats
    let kept = output.filter { $0 != 0 }
    let error = (rate * (1 - rate) / Double(count)).squareRoot()
    #expect(abs(Double(kept.count) / Double(count) - (1 - rate)) < 5 * error)
    #expect(kept.allSatisfy { abs(Double($0) - 1 / (1 - rate)) < 1e-5 })
    // The backward pass draws the same mask.
    #expect(results.gradients[0].floats == output)
  }

  @Test func dropoutOfRateZeroAndOfInfinity() {
    let x = Tensor([1, 2, .infinity], [3])
    #expect(dropout(x, rate: 0, RandomSource(seed: 1)).floats == x.floats)
    let many = Tensor([Float](repeating: .nan, count: 100), [100])
    let dropped = dropout(many, rate: 0.5, RandomSource(seed: 1)).floats
    #expect(dropped.contains { $0 == 0 } && dropped.contains { $0.isNaN })
  }

  @Test func streamsDependOnNamesAlone() {
    let root = RandomSource(seed: 1)
    #expect(root.stream("a") == RandomSource(seed: 1).stream("a"))
    let keys = ["a", "b", "ab"].map { root.stream($0).key } + (-2..<50).map { root.stream($0).key }
    #expect(Set(keys).count == keys.count)
  }
}
