public import VerdantBase

/// Span corruption (Raffel et al. 2020, section 3.1.4): spans of a row are replaced by sentinels,
/// and the decoder writes each sentinel with what it stands for, a last sentinel, and the end.
public struct SpanCorruption: Sendable, Equatable {
  /// The share of the tokens that are hidden.
  public var density = 0.15
  /// The mean length of a span, in tokens.
  public var meanSpan = 3.0
  /// The token of the first span; each further one is one less, as in T5.
  public var firstSentinel: Int32
  /// The sentinels that the vocabulary has.
  public var sentinelCount: Int
  /// What the decoder reads before its first token.
  public var start: Int32
  /// What the decoder writes behind the last sentinel.
  public var end: Int32

  /// The objective with the shares of the paper.
  public init(firstSentinel: Int32, sentinelCount: Int, start: Int32, end: Int32) {
    self.end = end
    self.firstSentinel = firstSentinel
    self.sentinelCount = sentinelCount
    self.start = start
  }

  /// How many tokens of a row of `length` are hidden, in how many spans.
  public func counts(length: Int) -> (hidden: Int, spans: Int) {
    let hidden = min(max(Int((Double(length) * density).rounded()), 1), max(1, length - 1))
    let spans = max(1, Int((Double(hidden) / meanSpan).rounded()))
    return (hidden, min(spans, hidden, max(1, length - hidden)))
  }

  /// Tokens that the decoder writes for a row of `length`: the hidden ones, a sentinel for each span,
  /// another one and the end.
  public func targetLength(_ length: Int) -> Int {
    let (hidden, spans) = counts(length: length)
    return hidden + spans + 2
  }

  /// Why rows of `length` cannot be read by a model whose longest sequence has as many; nil when they
  /// can.
  func problem(length: Int) -> (what: String, rule: String)? {
    let (hidden, spans) = counts(length: length)
    if length < 2 {
      return ("a row has \(length) tokens", "a span and what is left need two")
    }
    if spans >= sentinelCount {
      return (
        "\(spans) spans need \(spans + 1) sentinels",
        "the vocabulary has \(sentinelCount): shorter rows, or longer spans"
      )
    }
    if max(targetLength(length), length - hidden + spans) > length {
      return (
        "the decoder writes \(targetLength(length)) tokens", "\(length) at most: hide fewer"
      )
    }
    return nil
  }

  /// What encoder and decoder see of a row.
  func apply(_ tokens: ArraySlice<Int32>, _ random: RandomSource) -> (
    inputs: [Int32], targets: [Int32]
  ) {
    let (hidden, spans) = counts(length: tokens.count)
    // Before the first span and behind the last one nothing needs to stand: with parts of at least
    // one token every row would end with a span, as in the code of the paper.
    var kept = Self.segments(tokens.count - hidden + 2, spans + 1, random.stream("kept"))
    kept[0] -= 1
    let gone = Self.segments(hidden, spans, random.stream("hidden"))
    var inputs: [Int32] = []
    var targets: [Int32] = []
    var place = tokens.startIndex
    for span in 0..<spans {
      let sentinel = firstSentinel - Int32(span)
      inputs += tokens[place..<place + kept[span]]
      inputs.append(sentinel)
      place += kept[span]
      targets.append(sentinel)
      targets += tokens[place..<place + gone[span]]
      place += gone[span]
    }
    inputs += tokens[place...]
    targets += [firstSentinel - Int32(spans), end]
    return (inputs, targets)
  }

  /// Lengths of `count` parts of a whole, none empty; every division is equally likely.
  private static func segments(_ whole: Int, _ count: Int, _ random: RandomSource) -> [Int] {
    let order = Permutation(whole - 1, random)
    let cuts = (0..<count - 1).map { order[$0] + 1 }.sorted()
    return zip([0] + cuts, cuts + [whole]).map { $1 - $0 }
  }
}

/// The rows of a source for span corruption; a sample is corrupted anew each epoch, by the seed and
/// its global number alone.
public struct SpanCorruptedRows: BatchSource {
  private let source: any BatchSource
  private let objective: SpanCorruption
  private let random: RandomSource

  /// Decorates a source, whose own targets are not used.
  public init(_ source: any BatchSource, _ objective: SpanCorruption, _ random: RandomSource) {
    self.source = source
    self.objective = objective
    self.random = random.stream("span corruption")
  }

  /// The samples of an epoch.
  public var sampleCount: Int { source.sampleCount }

  /// The rows that begin at a global sample number; all have the same lengths.
  ///
  /// - Throws: ``DataError`` of the source, and when a row is too short or has more spans than there
  ///   are sentinels.
  public func rows(from sample: Int, count: Int) throws(DataError) -> TokenRows {
    let plain = try source.rows(from: sample, count: count)
    if let problem = objective.problem(length: plain.length) {
      throw DataError(.unsupported, problem.what, rule: problem.rule)
    }
    let (hidden, spans) = objective.counts(length: plain.length)
    var rows = TokenRows(
      length: plain.length - hidden + spans,
      targetLength: objective.targetLength(plain.length), capacity: count)
    for row in 0..<plain.count {
      let tokens = plain.tokens[row * plain.length..<(row + 1) * plain.length]
      let corrupted = objective.apply(tokens, random.stream(sample + row))
      rows.tokens += corrupted.inputs
      rows.targets += corrupted.targets
      rows.decoder.append(objective.start)
      rows.decoder += corrupted.targets.dropLast()
    }
    return rows
  }
}
