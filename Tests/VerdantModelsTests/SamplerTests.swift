import Foundation
import Testing
import Verdant

@Suite struct SamplerTests {
  let logits: [Float] = [0.5, 2, -1, 1, 2]

  private func choices(_ sampler: Sampler, _ logits: [Float], _ count: Int = 4000) -> [Int] {
    (0..<count).compactMap { sampler.choose(logits, at: $0) }
  }

  @Test func greedyTakesTheFirstOfTheLikeliest() {
    #expect(Sampler.greedy.choose(logits, at: 0) == 1)
    #expect(Set(choices(.greedy, logits)) == [1])
    #expect(Sampler.greedy.choose([7], at: 0) == 0)
  }

  @Test func frequenciesFollowTheSoftmax() {
    for temperature in [0.5, 1, 2] {
      let weights = logits.map { exp(Double($0) / temperature) }
      let total = weights.reduce(0, +)
      let found = choices(Sampler(temperature: temperature, seed: 5), logits, 20_000)
      for (token, weight) in weights.enumerated() {
        let share = Double(found.filter { $0 == token }.count) / 20_000
        // Five standard deviations.
        let p = weight / total
        #expect(abs(share - p) < 5 * (p * (1 - p) / 20_000).squareRoot(), "\(token)")
      }
    }
  }

  @Test func topKKeepsTheLikeliest() {
    #expect(Set(choices(Sampler(topK: 1), logits)) == [1])
    #expect(Set(choices(Sampler(topK: 2), logits)) == [1, 4])
    #expect(Set(choices(Sampler(topK: 3), logits)) == [1, 3, 4])
    #expect(Set(choices(Sampler(topK: 100), logits)) == [0, 1, 2, 3, 4])
    for k in [0, -1, Int.min] { #expect(Set(choices(Sampler(topK: k), logits)) == [1]) }
  }

  @Test func topPKeepsTheSmallestSetThatReachesIt() {
    let logits: [Float] = [0.5, 0.25, 0.15, 0.1].map { Float(log($0)) }
    #expect(Set(choices(Sampler(topP: 0.45), logits)) == [0])
    #expect(Set(choices(Sampler(topP: 0.7), logits)) == [0, 1])
    #expect(Set(choices(Sampler(topP: 0.85), logits)) == [0, 1, 2])
    #expect(Set(choices(Sampler(topP: 1), logits)) == [0, 1, 2, 3])
    for p in [0, -1, 1e-300] { #expect(Set(choices(Sampler(topP: p), logits)) == [0]) }
    for p in [2, Double.infinity, .nan] {
      #expect(Set(choices(Sampler(topP: p), logits)) == [0, 1, 2, 3])
    }
  }

  @Test func topKComesBeforeTopP() {
    let logits: [Float] = [0.4, 0.3, 0.2, 0.1].map { Float(log($0)) }
    // Of the first two, 0.4 / 0.7 is 0.57 of the rest.
    #expect(Set(choices(Sampler(topK: 2, topP: 0.5), logits)) == [0])
    #expect(Set(choices(Sampler(topK: 2, topP: 0.6), logits)) == [0, 1])
  }

  @Test func choicesDependOnSeedAndPosition() {
    let first = choices(Sampler(seed: 1), logits, 100)
    #expect(choices(Sampler(seed: 1), logits, 100) == first)
    #expect(choices(Sampler(seed: 2), logits, 100) != first)
    let sampler = Sampler(seed: 1)
    #expect((0..<100).reversed().map { sampler.choose(logits, at: $0) }.reversed() == first)
  }

  @Test func logitsThatAreNotFiniteAreNeverChosen() {
    let broken: [Float] = [.nan, 1, .infinity, 0.5, -.infinity]
    for sampler in [Sampler.greedy, Sampler(), Sampler(topK: 5), Sampler(topP: 0.99)] {
      #expect(Set(choices(sampler, broken)).isSubset(of: [1, 3]))
      #expect(sampler.choose([.nan, .infinity, -.infinity], at: 0) == nil)
      #expect(sampler.choose([], at: 0) == nil)
    }
  }

  @Test func extremeTemperatures() {
    for cold in [0, -1, 1e-300, Double.leastNonzeroMagnitude, .nan, -.infinity] {
      #expect(Set(choices(Sampler(temperature: cold), [1, 3, 2])) == [1], "\(cold)")
    }
    for hot in [1e300, Double.infinity] {
      #expect(Set(choices(Sampler(temperature: hot), [1, 3, 2])) == [0, 1, 2])
    }
    let extreme: [Float] = [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0]
    #expect(Set(choices(Sampler(), extreme)) == [0])
    #expect(
      Set(choices(Sampler(), [Float](repeating: -.greatestFiniteMagnitude, count: 3))).count == 3)
  }
}
