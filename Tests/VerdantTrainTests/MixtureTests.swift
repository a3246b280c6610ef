import Foundation
import Testing
import Verdant

/// Rows that tell their source and sample.
private struct NumberedSource: BatchSource {
  let source: Int32
  let sampleCount: Int

  func rows(from sample: Int, count: Int) -> TokenRows {
    var rows = TokenRows(length: 2)
    for index in sample..<sample + count {
      let stream = TokenStream([[UInt8(source), UInt8(index % 251), 0]], ByteTokenizer())
      rows.append(
        // One window alone, so that its order is no matter.
        (try? ShuffledWindows(stream, length: 2, RandomSource(seed: 1)))?.rows(from: 0, count: 1)
          ?? rows)
    }
    return rows
  }
}

@Suite struct MixtureTests {
  private func mixture(_ weights: [Double], seed: UInt64 = 1, samples: Int = 100) throws
    -> MixedBatches
  {
    try MixedBatches(
      weights.indices.map { NumberedSource(source: Int32($0), sampleCount: samples) },
      weights: weights, RandomSource(seed: seed))
  }

  @Test(
    arguments: [
      [1], [0.7, 0.3], [0.5, 0.25, 0.25], [3, 1], [1, 1, 1], [0.1, 0.2, 0.3, 0.4], [2e-3, 1],
      [1.0 / 3, 2.0 / 3], [0.123456, 0.5, 0.376544], [1e-9, 1],
    ] as [[Double]]
  )
  func sharesAreExact(_ weights: [Double]) throws {
    let mixed = try mixture(weights)
    let total = weights.reduce(0, +)
    let block = mixed.blockCounts.reduce(0, +)
    #expect(block <= 1 << 16)
    for (count, weight) in zip(mixed.blockCounts, weights) {
      #expect(count >= 1)
      #expect(abs(Double(count) / Double(block) - weight / total) < Double(weights.count) / 65536)
    }
    var found = [Int](repeating: 0, count: weights.count)
    let blocks = max(2, 3000 / block)
    for number in 0..<blocks * block { found[mixed[number].source] += 1 }
    #expect(found == mixed.blockCounts.map { $0 * blocks })
  }

  @Test func smallBlocksWhereWeightsAllowThem() throws {
    #expect(try mixture([0.7, 0.3]).blockCounts == [7, 3])
    #expect(try mixture([1, 1, 2]).blockCounts == [1, 1, 2])
    #expect(try mixture([5]).blockCounts == [1])
    #expect(try mixture([0.5, 0.5].map { $0 * 1e-300 }).blockCounts == [1, 1])
  }

  /// Numbers and samples of sources correspond one to one, without a gap.
  @Test func everySampleOfEverySourceComesOnce() throws {
    let mixed = try mixture([0.2, 0.5, 0.3])
    var found: [[Int]] = [[], [], []]
    for number in 0..<1000 {
      let place = mixed[number]
      found[place.source].append(place.sample)
    }
    #expect(found.map { $0.sorted() } == [Array(0..<200), Array(0..<500), Array(0..<300)])
    let sources = (0..<200).map { mixed[$0].source }
    #expect(sources != (0..<200).map { try? mixture([0.2, 0.5, 0.3], seed: 2)[$0].source })
    #expect(Array(sources[0..<100]) != Array(sources[100..<200]))
  }

  @Test func anyPlaceIsFoundWithoutThoseBefore() throws {
    let mixed = try mixture([0.6, 0.4])
    let whole = try mixed.rows(from: 0, count: 60)
    for start in [0, 1, 7, 31, 59] {
      let rest = try mixed.rows(from: start, count: 60 - start)
      #expect(rest.tokens == Array(whole.tokens.dropFirst(start * 2)))
    }
    let far = mixed[1 << 50]
    #expect(far.sample > 1 << 48)
    #expect(mixed.sampleCount == 200)
  }

  @Test func oneSourceIsItself() throws {
    let bytes = (0..<200).map { UInt8($0) }
    let windows = try ShuffledWindows(
      TokenStream([bytes], ByteTokenizer()), length: 7, RandomSource(seed: 1))
    let mixed = try MixedBatches([windows], weights: [4], RandomSource(seed: 5))
    #expect(try mixed.rows(from: 0, count: 100) == windows.rows(from: 0, count: 100))
  }

  @Test func wrongWeights() {
    for weights in [[0, 1], [-1, 2], [.nan, 1], [.infinity, 1], [1e308, 1e308]] {
      let error = #expect(throws: DataError.self) { try mixture(weights) }
      #expect(error?.exitCode == .badData)
    }
  }

  @Test func recipesMixFiles() throws {
    try withTemporaryFolder { folder in
      try put(String(repeating: "aaaa bbbb ", count: 200).utf8, folder + "/a.txt")
      try put(String(repeating: "0123456789", count: 50).utf8, folder + "/b.txt")
      let text = """
        data:
          train:
            - {path: \(folder)/a.txt, weight: 0.7}
            - path: \(folder)/b.txt
              weight: 0.3
        model: {layers: 1, width: 8, heads: 1, context: 16}
        training: {batch: 4, steps: 20}
        """
      let recipe = try RecipeFile.parse(text)
      #expect(recipe.data.train == [folder + "/a.txt", folder + "/b.txt"])
      #expect(recipe.data.weights == [0.7, 0.3])
      #expect(try RecipeFile.parse(RecipeFile.text(recipe)) == recipe)
      var trainer = try Trainer(recipe)
      // Each source has a validation part of its own.
      #expect(trainer.documents.files == recipe.data.train)
      #expect(trainer.validation?.documentCount == 2 && trainer.training.documentCount == 2)
      #expect(trainer.start.trainingTokens + trainer.start.validationTokens == 2500 + 4)
      let result = try trainer.run { _ in .proceed }
      #expect(result.steps == 20 && result.evaluation != nil)
      var again = try Trainer(recipe)
      _ = try again.run { _ in .proceed }
      #expect(again.model.bits == trainer.model.bits)
    }
  }

  @Test(arguments: [
    ("[a, {path: b, weight: 1}]", "data.train[0]"), ("[{path: b}, {path: c, weight: 2}]", "[0]"),
    ("[{weight: 1}]", "data.train[0]"), ("[{path: a, weight: 0}]", "weight"),
    ("[{path: a, weight: -1}]", "weight"), ("[{path: a, weight: x}]", "weight"),
    ("[{path: a, weight: .nan}]", "weight"), ("[{path: a, wieght: 1}]", "wieght"),
    ("[{path: [a], weight: 1}]", "path"), ("[[a]]", "data.train[0]"), ("{path: 3}", "path"),
  ])
  func wrongMixtures(_ list: String, _ place: String) {
    let error = #expect(throws: ConfigError.self) {
      try RecipeFile.parse("training: {steps: 1}\ndata:\n  train: \(list)\n", file: "r.yaml")
    }
    #expect(error?.description.contains(place) == true, "\(String(describing: error))")
  }
}
