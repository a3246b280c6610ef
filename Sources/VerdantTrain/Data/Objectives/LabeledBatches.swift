public import VerdantBase
public import VerdantModels
public import VerdantText

/// Batches of texts with labels, padded to the longest of the batch, from any position, each epoch in
/// its own order.
public struct LabeledBatches: BatchSource {
  private struct Row {
    let tokens: [Int32]
    let secondStart: Int
    let label: Int32
    let byteCount: Int
  }

  private let rows: [Row]
  private let layout: TextLayout
  private let names: [String]
  private let order: SampleOrder
  private let random: RandomSource
  private let buckets: Buckets?
  /// True when each row has two texts.
  public let arePairs: Bool

  /// Rows of similar length together.
  public struct Buckets: Sendable, Equatable {
    /// Samples of a batch.
    public var batch: Int
    /// Batches whose samples are sorted by length together.
    public var batches: Int

    /// Sorts the samples of so many batches by length.
    public init(batch: Int, batches: Int = 64) {
      self.batch = batch
      self.batches = batches
    }
  }

  /// Turns examples into rows.
  ///
  /// - Parameter buckets: Puts rows of similar length into a batch, which saves padding; nil keeps
  ///   the shuffled order.
  /// - Throws: ``DataError`` when there is no example, or rows are too short for the layout.
  public init(
    _ data: LabeledTexts, _ tokenizer: any Tokenizer, _ layout: TextLayout,
    buckets: Buckets? = nil, _ random: RandomSource
  ) throws(DataError) {
    guard !data.examples.isEmpty else { throw noRecords(data.files, data.skippedFiles) }
    guard layout.maximumLength >= TextLayout.shortestLength else {
      throw DataError(
        .tooShort, "rows of \(layout.maximumLength) tokens",
        rule: "a start, two separators and a token of each text need 5")
    }
    rows = data.examples.map { example in
      let row = layout.row(example.text, example.second, tokenizer)
      return Row(
        tokens: row.tokens, secondStart: row.secondStart, label: example.label,
        byteCount: example.text.count + (example.second?.count ?? 0))
    }
    arePairs = data.examples.contains { $0.second != nil }
    self.layout = layout
    names = data.labels.names
    self.buckets = buckets
    order = SampleOrder(rows.count, random)
    self.random = random.stream("buckets")
  }

  /// The samples of an epoch.
  public var sampleCount: Int { rows.count }

  /// The tokens of all rows, in the order of the files.
  public var tokens: any TokenSequence {
    var ids: [Int32] = []
    var labels: [Int32] = []
    for row in rows {
      ids += row.tokens
      labels += [row.label, Int32(row.secondStart)]
    }
    return LabeledTokens(
      ids: ids, labels: labels, names: names, byteCount: rows.reduce(0) { $0 + $1.byteCount })
  }

  /// The rows that begin at a global sample number.
  public func rows(from sample: Int, count: Int) -> TokenRows {
    let chosen = indices(sample..<sample + count).map { rows[$0] }
    let length = chosen.reduce(0) { max($0, $1.tokens.count) }
    var result = TokenRows(classifiedLength: length)
    for row in chosen {
      let unused = length - row.tokens.count
      result.tokens += row.tokens
      result.tokens += repeatElement(layout.padding, count: unused)
      result.lengths.append(Int32(row.tokens.count))
      result.targets.append(row.label)
      guard arePairs else { continue }
      result.segments += repeatElement(0, count: row.secondStart)
      result.segments += repeatElement(1, count: row.tokens.count - row.secondStart)
      result.segments += repeatElement(0, count: unused)
    }
    return result
  }

  /// The rows of global sample numbers.
  private func indices(_ samples: Range<Int>) -> [Int] {
    guard let buckets else { return samples.map { order[$0] } }
    let batch = max(1, buckets.batch)
    let groupSize = batch * max(1, buckets.batches)
    var found: [Int] = []
    var sorted: [Int] = []
    var sortedStart = -1
    for sample in samples {
      let epoch = sample / rows.count * rows.count
      let inside = (sample - epoch) / groupSize * groupSize
      let start = epoch + inside
      if start != sortedStart {
        // Groups end with their epoch, so that each epoch still has every sample once.
        sorted = (start..<epoch + min(rows.count, inside + groupSize)).map { order[$0] }
        sorted.sort { (rows[$0].tokens.count, $0) < (rows[$1].tokens.count, $1) }
        sortedStart = start
      }
      let place = sample - start
      let whole = sorted.count / batch
      // Without a new order of the batches their lengths would rise again and again.
      let part =
        place / batch < whole
        ? Permutation(whole, random.stream(start))[place / batch] : place / batch
      found.append(sorted[part * batch + place % batch])
    }
    return found
  }
}

/// The tokens of labeled rows; their hash is that of texts and labels.
private struct LabeledTokens: TokenSequence {
  let ids: [Int32]
  /// Of each row the label, and where its second text begins.
  let labels: [Int32]
  let names: [String]
  let byteCount: Int

  var count: Int { ids.count }
  var documentCount: Int { labels.count / 2 }
  func append(_ range: Range<Int>, to list: inout [Int32]) { list += ids[range] }

  func fingerprint() -> TokenFingerprint {
    var hash = TokenFingerprint(ids)
    hash.add(labels)
    for name in names { hash.add(name.utf8.map(Int32.init)) }
    return hash
  }
}
