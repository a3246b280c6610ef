import Foundation
import Testing
import Verdant

private func stream(_ texts: [String]) -> TokenStream {
  TokenStream(texts.map { Array($0.utf8) }, ByteTokenizer())
}

@Suite struct BatchTests {
  @Test func documentsEndWithTheSeparator() {
    let found = stream(["ab", "", "ü"])
    #expect(found.ids == [97, 98, 256, 256, 0xC3, 0xBC, 256])
    #expect(found.byteCount == 4)
    #expect(found.documentCount == 3)
    #expect(stream([]).ids.isEmpty)
  }

  @Test(arguments: Array(0...70) + [100, 255, 256, 257, 1000, 4095, 4096, 4097, 65_537])
  func permutationsAreBijections(_ count: Int) {
    for seed in 0..<3 {
      let order = Permutation(count, RandomSource(seed: UInt64(seed)))
      var seen = [Bool](repeating: false, count: count)
      for place in 0..<count { seen[order[place]] = true }
      #expect(seen.allSatisfy { $0 })
    }
  }

  @Test func permutationsDependOnTheirStream() {
    func order(_ seed: UInt64) -> [Int] {
      let order = Permutation(100, RandomSource(seed: seed))
      return (0..<100).map { order[$0] }
    }
    #expect(order(1) == order(1))
    #expect(order(1) != order(2))
    #expect(order(1) != Array(0..<100))
  }

  @Test func hugePermutations() {
    for count in [1 << 40, (1 << 40) + 1, 1 << 61] {
      let order = Permutation(count, RandomSource(seed: 3))
      let found = (0..<100).map { order[$0 * (count / 100)] }
      #expect(Set(found).count == 100 && found.allSatisfy { $0 >= 0 && $0 < count })
    }
  }

  private func windows(_ count: Int, length: Int, seed: UInt64 = 1) throws -> ShuffledWindows {
    // The tokens are their own places, so that a window shows where it begins.
    let bytes = (0..<count).map { UInt8($0) }
    return try ShuffledWindows(
      TokenStream([bytes], ByteTokenizer()),
      length: length,
      RandomSource(seed: seed)
    )
  }

  @Test func eachSampleComesOnceAnEpoch() throws {
    let windows = try windows(200, length: 7)
    #expect(windows.sampleCount == 28)
    var orders: [[Int32]] = []
    for epoch in 0..<4 {
      let batch = windows.batch(from: epoch * 28, count: 28)
      #expect(batch.tokens.shape == [28, 7] && batch.targetCount == 196)
      let tokens = batch.tokens.integers
      let starts = (0..<28).map { tokens[$0 * 7] }
      #expect(starts.sorted() == (0..<28).map { Int32($0 * 7) })
      for row in 0..<28 {
        let expected = (0..<7).map { starts[row] + Int32($0) }
        #expect(Array(tokens[row * 7..<row * 7 + 7]) == expected)
        #expect(Array(batch.targets.integers[row * 7..<row * 7 + 7]) == expected.map { $0 + 1 })
      }
      orders.append(starts)
    }
    #expect(Set(orders).count == 4)
  }

  @Test func samplesDependOnSeedAndPlaceOnly() throws {
    let windows = try windows(200, length: 7)
    let whole = windows.batch(from: 20, count: 20).tokens.integers
    let parts = (0..<20).flatMap { windows.batch(from: 20 + $0, count: 1).tokens.integers }
    #expect(whole == parts)
    #expect(try self.windows(200, length: 7).batch(from: 20, count: 20).tokens.integers == whole)
    #expect(
      try self.windows(200, length: 7, seed: 2).batch(from: 20, count: 20).tokens.integers != whole
    )
    // A batch may reach over the end of an epoch, and beyond a whole one.
    #expect(windows.batch(from: 27, count: 100).tokens.shape == [100, 7])
  }

  @Test func textsShorterThanOneSequenceAreRefused() throws {
    let error = #expect(throws: DataError.self) { try windows(6, length: 7) }
    #expect(error?.kind == .tooShort && error?.exitCode == .badData)
    #expect(error?.report.rule?.contains("8") == true)
    #expect(try windows(7, length: 7).sampleCount == 1)
  }
}

@Suite struct SplitTests {
  private func split(_ texts: [String], _ fraction: Double, seed: UInt64 = 1) -> (
    training: [String], validation: [String]
  ) {
    let parts = TokenStream.split(
      texts.map { Array($0.utf8) },
      validation: fraction,
      RandomSource(seed: seed)
    )
    return (
      parts.training.map { String(decoding: $0, as: UTF8.self) },
      parts.validation.map { String(decoding: $0, as: UTF8.self) }
    )
  }

  @Test func manyDocumentsAreDividedAsAWhole() {
    let texts = (0..<50).map { "document \($0)" }
    for fraction in [0.01, 0.1, 0.5, 0.9] {
      let parts = split(texts, fraction)
      #expect(parts.validation.count == max(1, Int(50 * fraction)))
      #expect(Set(parts.training).isDisjoint(with: parts.validation))
      #expect((parts.training + parts.validation).sorted() == texts.sorted())
      #expect(split(texts, fraction) == parts)
    }
    #expect(split(texts, 0.5, seed: 2) != split(texts, 0.5))
    #expect(split(texts, 0) == (texts, []))
  }

  @Test func endsOfFewDocumentsAreCutAtLines() {
    let lines = (0..<100).map { "line \($0)\n" }
    let text = lines.joined()
    let parts = split([text], 0.1)
    #expect(parts.training[0] + parts.validation[0] == text)
    #expect(parts.training[0].hasSuffix("\n"))
    #expect(
      (0.08...0.13).contains(Double(parts.validation[0].utf8.count) / Double(text.utf8.count))
    )
  }

  /// A single line must not lose nearly all of its text to the validation part.
  @Test func aTitleLineDoesNotMoveTheCut() {
    let text = "title\n" + String(repeating: "word ", count: 400)
    let parts = split([text], 0.1)
    #expect(parts.training[0] + parts.validation[0] == text)
    #expect(parts.validation[0].utf8.count <= 2 * text.utf8.count / 10)
  }

  @Test func noCharacterIsCutInTwo() {
    for length in 1...40 {
      let text = String(repeating: "ü😀世", count: length)
      let parts = split([text], 0.3)
      #expect(parts.training[0] + (parts.validation.first ?? "") == text)
      #expect(!parts.training[0].contains("\u{FFFD}"))
    }
  }

  @Test func tinyDocumentsLeaveNoEmptyOnes() {
    for texts in [["a"], ["a", "b"], ["ab", "\n\n", "x"], ["", "abc"], ["\nabcdefghijk"]] {
      for fraction in [0.1, 0.5, 0.9] {
        let parts = split(texts, fraction)
        #expect(parts.validation.allSatisfy { !$0.isEmpty })
        #expect(
          (parts.training + parts.validation).joined().utf8.sorted() == texts.joined().utf8.sorted()
        )
        for (text, rest) in zip(texts, parts.training) where !text.isEmpty {
          #expect(!rest.isEmpty)
        }
      }
    }
  }
}

@Suite struct EvaluationTests {
  private func model(context: Int = 8) throws -> Transformer {
    try Transformer(
      ModelConfig(blocks: 1, width: 8, heads: 2, maximumLength: context),
      random: RandomSource(seed: 5)
    )
  }

  @Test(arguments: [1, 2, 3, 7, 8, 9, 15, 16, 17, 60])
  func equalsTheSumOfAllPredictions(_ count: Int) throws {
    let model = try model()
    let text = stream([String(sampleText.prefix(count))])
    var nats = 0.0
    for start in stride(from: 0, to: text.ids.count - 1, by: 8) {
      let end = min(start + 8, text.ids.count - 1)
      var context = Context(.inference)
      let logits = model(
        Tensor(integers: Array(text.ids[start..<end]), [1, end - start]),
        &context
      )
      .doubles
      for place in start..<end {
        let row = logits[(place - start) * 257..<(place - start + 1) * 257]
        let target = row[row.startIndex + Int(text.ids[place + 1])]
        nats += log(row.reduce(0) { $0 + exp($1) }) - target
      }
    }
    for batch in [1, 2, 5, 100] {
      let found = try Evaluation(model, text, batch: batch)
      #expect(abs(found.loss - nats / Double(count)) < 1e-6)
      #expect(found.tokenCount == count && found.byteCount == count)
      #expect(abs(found.bitsPerByte - nats / (log(2) * Double(count))) < 1e-6)
      #expect(abs(found.perplexity - exp(nats / Double(count))) < 1e-3)
    }
  }

  @Test func separatorsCountAsPredictionsButNotAsBytes() throws {
    let found = try Evaluation(model(), stream(["abc", "de"]), batch: 4)
    #expect(found.tokenCount == 6 && found.byteCount == 5)
    #expect(abs(found.bitsPerByte - found.loss * 6 / (log(2) * 5)) < 1e-12)
  }

  @Test func aLimitTakesTheFirstWindows() throws {
    let model = try model()
    let text = String(sampleText.prefix(100))
    let whole = try Evaluation(model, stream([text]), batch: 3, limit: 2)
    let part = try Evaluation(model, stream([String(text.prefix(16))]), batch: 3)
    #expect(whole.tokenCount == 16 && whole.byteCount == 16)
    #expect(part.tokenCount == 16)
    // The last prediction of the part is its separator.
    #expect(whole.loss.isFinite)
    for limit in [0, -1, Int.min] {
      #expect(try Evaluation(model, stream([text]), batch: 0, limit: limit).tokenCount == 8)
    }
    #expect(try Evaluation(model, stream([text]), batch: 2, limit: .max).tokenCount == 100)
  }

  @Test func tooLittleTextIsRefused() throws {
    for texts in [[], [""]] {
      let error = #expect(throws: DataError.self) {
        try Evaluation(model(), stream(texts), batch: 1)
      }
      #expect(error?.kind == .tooShort)
    }
  }
}
