import Foundation
import Testing
import Verdant

/// Bytes that tell their place: 300 of them, in windows.
private func windows(_ length: Int, count: Int = 6400) throws -> ShuffledWindows {
  let stream = TokenStream([(0..<count).map { UInt8($0 % 250) }], ByteTokenizer())
  return try ShuffledWindows(stream, length: length, RandomSource(seed: 3))
}

@Suite struct MaskedLanguageTests {
  private let objective = MaskedLanguage(mask: 300, ordinary: 0..<256, special: [256])

  /// Devlin et al. 2019: 15 % of the tokens; of those 80 % masked, 10 % random, 10 % unchanged.
  @Test func sharesOfThePaper() throws {
    let source = try windows(128)
    let masked = MaskedRows(source, objective, RandomSource(seed: 1))
    #expect(masked.sampleCount == source.sampleCount)
    var (all, chosen, hidden, kept) = (0, 0, 0, 0)
    for start in stride(from: 0, to: 2000, by: 20) {
      let plain = source.rows(from: start, count: 20)
      let rows = try masked.rows(from: start, count: 20)
      #expect(rows.count == 20 && rows.length == 128)
      all += rows.tokens.count
      for place in rows.tokens.indices {
        if rows.targets[place] < 0 {
          #expect(rows.tokens[place] == plain.tokens[place])
          continue
        }
        chosen += 1
        #expect(rows.targets[place] == plain.tokens[place])
        if rows.tokens[place] == 300 { hidden += 1 }
        if rows.tokens[place] == plain.tokens[place] { kept += 1 }
        #expect(rows.tokens[place] == 300 || rows.tokens[place] < 256)
      }
    }
    // 19 of 128 tokens; four standard deviations of 38 000 draws.
    #expect(Double(chosen) / Double(all) == 19.0 / 128)
    #expect(abs(Double(hidden) / Double(chosen) - 0.8) < 0.0082)
    #expect(abs(Double(kept) / Double(chosen) - (0.1 + 0.1 / 256)) < 0.0062)
  }

  @Test func masksDependOnSeedAndSampleOnly() throws {
    let source = try windows(32)
    let masked = MaskedRows(source, objective, RandomSource(seed: 1))
    let whole = try masked.rows(from: 100, count: 10)
    let parts = try (0..<10).flatMap { try masked.rows(from: 100 + $0, count: 1).tokens }
    #expect(parts == whole.tokens)
    #expect(
      try MaskedRows(source, objective, RandomSource(seed: 2)).rows(from: 100, count: 10) != whole)
    // The same window is masked otherwise in the next epoch.
    func places(_ epoch: Int) throws -> [Set<Int>] {
      let first = epoch * source.sampleCount
      let rows = try masked.rows(from: first, count: source.sampleCount)
      let plain = source.rows(from: first, count: source.sampleCount)
      let order = (0..<source.sampleCount).sorted { plain.tokens[$0 * 32] < plain.tokens[$1 * 32] }
      return order.map { row in
        Set((0..<32).filter { rows.targets[row * 32 + $0] >= 0 })
      }
    }
    #expect(try places(0) != places(1))
  }

  @Test func specialTokensStay() throws {
    let documents = (0..<200).map { _ in Array("ab".utf8) }
    let source = try ShuffledWindows(
      TokenStream(documents, ByteTokenizer()), length: 12, RandomSource(seed: 1))
    let rows = try MaskedRows(source, objective, RandomSource(seed: 1)).rows(from: 0, count: 40)
    #expect(!rows.targets.contains(256) && rows.targetCount == 40)
    #expect(rows.tokens.count { $0 == 256 } == 40 * 4)
    let only = MaskedLanguage(mask: 300, ordinary: 0..<256, special: Set(0...256))
    let none = try MaskedRows(source, only, RandomSource(seed: 1)).rows(from: 0, count: 4)
    #expect(none.targetCount == 0 && none.tokens == source.rows(from: 0, count: 4).tokens)
  }
}

@Suite struct SpanCorruptionTests {
  private let objective = SpanCorruption(
    firstSentinel: 400, sentinelCount: 100, start: 256, end: 256)

  /// Raffel et al. 2020: 15 % of 512 tokens in spans of 3 on average.
  @Test func countsOfThePaper() {
    #expect(objective.counts(length: 512) == (77, 26))
    #expect(objective.counts(length: 100) == (15, 5))
    for length in 2..<200 {
      let (hidden, spans) = objective.counts(length: length)
      #expect(hidden >= 1 && hidden < length && spans >= 1 && spans <= hidden)
      #expect(spans <= length - hidden)
    }
  }

  @Test(arguments: [7, 20, 100])
  func spansTogetherGiveTheRow(_ length: Int) throws {
    let source = try windows(length)
    let corrupted = SpanCorruptedRows(source, objective, RandomSource(seed: 1))
    let (hidden, spans) = objective.counts(length: length)
    let rows = try corrupted.rows(from: 5, count: 30)
    let plain = source.rows(from: 5, count: 30)
    #expect(rows.length == length - hidden + spans)
    #expect(rows.targetLength == hidden + spans + 2)
    for row in 0..<30 {
      let inputs = rows.tokens[row * rows.length..<(row + 1) * rows.length]
      let targets = Array(rows.targets[row * rows.targetLength..<(row + 1) * rows.targetLength])
      let decoder = Array(rows.decoder[row * rows.targetLength..<(row + 1) * rows.targetLength])
      #expect(decoder == [256] + targets.dropLast())
      #expect(targets.suffix(2) == [400 - Int32(spans), 256])
      var whole: [Int32] = []
      var next: Int32 = 400
      for token in inputs {
        guard token > 256 else {
          whole.append(token)
          continue
        }
        #expect(token == next)
        next -= 1
        let start = try #require(targets.firstIndex(of: token)) + 1
        let span = targets[start...].prefix { $0 < 256 }
        #expect(!span.isEmpty)
        whole += span
      }
      #expect(whole == Array(plain.tokens[row * length..<(row + 1) * length]))
    }
  }

  @Test func spansHaveTheMeanLength() throws {
    let corrupted = SpanCorruptedRows(
      try windows(512, count: 6000), objective, RandomSource(seed: 1))
    var places = [Int](repeating: 0, count: 512)
    var lengths: [Int] = []
    for sample in 0..<400 {
      let rows = try corrupted.rows(from: sample, count: 1)
      var place = 0
      for token in rows.tokens {
        if token < 256 {
          place += 1
          continue
        }
        let start = try #require(rows.targets.firstIndex(of: token)) + 1
        let length = rows.targets[start...].prefix { $0 < 256 }.count
        lengths.append(length)
        for inside in place..<place + length { places[inside] += 1 }
        place += length
      }
      #expect(place == 512)
    }
    let mean = Double(lengths.reduce(0, +)) / Double(lengths.count)
    #expect(abs(mean - 77.0 / 26) < 1e-12)
    // In the middle of the row every place is hidden as often as any other.
    let share = Double(places[100..<400].reduce(0, +)) / (300 * 400)
    #expect(abs(share - 0.15) < 0.01)
    #expect(lengths.contains(1) && lengths.contains { $0 > 6 })
  }

  @Test func rowsThatDoNotDo() throws {
    let short = SpanCorruptedRows(try windows(1), objective, RandomSource(seed: 1))
    let error = #expect(throws: DataError.self) { try short.rows(from: 0, count: 1) }
    #expect(error?.kind == .unsupported)
    var few = objective
    few.sentinelCount = 5
    let many = SpanCorruptedRows(try windows(100), few, RandomSource(seed: 1))
    let sentinels = #expect(throws: DataError.self) { try many.rows(from: 0, count: 1) }
    #expect(sentinels?.report.what.contains("6 sentinels") == true)
  }

  @Test func epochsDiffer() throws {
    let source = try windows(20)
    let corrupted = SpanCorruptedRows(source, objective, RandomSource(seed: 1))
    let whole = try corrupted.rows(from: 3, count: 9)
    let parts = try (0..<9).flatMap { try corrupted.rows(from: 3 + $0, count: 1).tokens }
    #expect(parts == whole.tokens)
    #expect(
      try SpanCorruptedRows(source, objective, RandomSource(seed: 2)).rows(from: 3, count: 9)
        != whole)
  }
}

@Suite struct LabeledBatchTests {
  private let layout = TextLayout(start: 300, separator: 256, padding: 0, maximumLength: 16)

  private func batches(
    _ table: String, pairs: Bool = false, layout: TextLayout? = nil,
    buckets: LabeledBatches.Buckets? = nil
  ) throws -> LabeledBatches {
    let data = try labeled(table.utf8) { if pairs { $0.fields.second = "second" } }
    return try LabeledBatches(
      data, ByteTokenizer(), layout ?? self.layout, buckets: buckets, RandomSource(seed: 1))
  }

  @Test func rowsArePaddedToTheLongest() throws {
    let batch = try batches("text,label\nabc,x\nd,y\n").batch(from: 0, count: 2)
    let first = batch.targets.integers[0] == 0 ? 0 : 1
    #expect(batch.tokens.shape == [2, 5] && batch.targets.shape == [2])
    let rows = [[300, 97, 98, 99, 256], [300, 100, 256, 0, 0]].map { $0.map(Int32.init) }
    #expect(batch.tokens.integers == rows[first] + rows[1 - first])
    #expect(batch.input.lengths?.integers == (first == 0 ? [5, 3] : [3, 5]))
    #expect(batch.input.segments == nil)
    var bare = layout
    bare.start = nil
    #expect(
      try batches("text,label\nabc,x\n", layout: bare).batch(from: 0, count: 1).tokens.integers
        == [97, 98, 99, 256])
  }

  @Test func pairsHaveSeparatorsAndSegments() throws {
    let batch = try batches("text,second,label\nab,c,0\n", pairs: true).batch(from: 0, count: 1)
    #expect(batch.tokens.integers == [300, 97, 98, 256, 99, 256])
    #expect(batch.input.segments?.integers == [0, 0, 0, 0, 1, 1])
  }

  @Test func longTextsAreCut() throws {
    func lengths(_ first: Int, _ second: Int) throws -> (Int, Int) {
      let table =
        "text,second,label\n" + String(repeating: "a", count: first) + ","
        + String(repeating: "b", count: second) + ",0\n"
      let batch = try batches(table, pairs: true).batch(from: 0, count: 1)
      #expect(batch.tokens.shape[1] <= 16)
      let tokens = batch.tokens.integers
      return (tokens.count { $0 == 97 }, tokens.count { $0 == 98 })
    }
    #expect(try lengths(10, 3) == (10, 3))
    #expect(try lengths(20, 3) == (10, 3))
    #expect(try lengths(3, 20) == (3, 10))
    #expect(try lengths(20, 20) == (7, 6))
    let single = try batches("text,label\n\(String(repeating: "a", count: 99)),0\n")
    #expect(single.rows(from: 0, count: 1).lengths == [16])
    var small = layout
    small.maximumLength = 4
    #expect(throws: DataError.self) { try batches("text,label\na,0\n", layout: small) }
  }

  @Test func bucketsSaveRoomAndKeepEverySample() throws {
    let random = RandomSource(seed: 4)
    // The label tells the sample.
    let rows = (0..<103).map { index in
      String(repeating: "a", count: 1 + Int(random.uniform(at: UInt64(index)) * 13))
        + ",\(index)"
    }
    let table = "text,label\n" + rows.joined(separator: "\n")
    let plain = try batches(table)
    let sorted = try batches(table, buckets: .init(batch: 4, batches: 8))
    func tokens(_ batches: LabeledBatches) -> Int {
      (0..<25).reduce(0) { $0 + batches.rows(from: $1 * 4, count: 4).tokens.count }
    }
    #expect(Double(tokens(sorted)) < 0.8 * Double(tokens(plain)))
    var orders: [[Int32]] = []
    for epoch in 0..<3 {
      let labels = sorted.rows(from: epoch * 103, count: 103).targets
      #expect(labels.sorted() == (0..<103).map { Int32($0) })
      let single = (0..<103).map {
        sorted.rows(from: epoch * 103 + $0, count: 1).targets[0]
      }
      #expect(single == labels)
      orders.append(labels)
    }
    #expect(Set(orders).count == 3)
  }
}
