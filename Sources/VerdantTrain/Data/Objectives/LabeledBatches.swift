public import VerdantBase
public import VerdantCore
public import VerdantText

/// How texts become rows: `start text separator`, and for pairs `second separator` behind it.
public struct LabeledLayout: Sendable, Equatable {
  /// The token in front of every row; nil for none.
  public var start: Int32?
  /// The token behind every text.
  public var separator: Int32
  /// The token that fills the rest of a row.
  public var padding: Int32
  /// Tokens of a row at most; of pairs the longer text is cut first.
  public var maximumLength: Int

  /// A layout.
  public init(start: Int32? = nil, separator: Int32, padding: Int32, maximumLength: Int) {
    self.start = start
    self.separator = separator
    self.padding = padding
    self.maximumLength = maximumLength
  }
}

/// Texts with labels, padded to the longest of the batch.
public struct LabeledBatch: Sendable {
  /// Integers `[batch, length]`.
  public let tokens: Tensor
  /// Integers `[batch, length]`: 0 for the first text and its frame, 1 for the second.
  public let segments: Tensor
  /// Tokens of each row before the padding.
  public let lengths: [Int]
  /// Integers `[batch]`; -1 without labels.
  public let labels: Tensor
}

/// Batches of texts with labels, from any position, each epoch in its own order.
public struct LabeledBatches: Sendable {
  private struct Row {
    let tokens: [Int32]
    let secondStart: Int
    let label: Int32
  }

  private let rows: [Row]
  private let layout: LabeledLayout
  private let order: SampleOrder
  private let random: RandomSource
  private let buckets: Buckets?

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
    _ data: LabeledTexts, _ tokenizer: any Tokenizer, _ layout: LabeledLayout,
    buckets: Buckets? = nil, _ random: RandomSource
  ) throws(DataError) {
    guard !data.examples.isEmpty else { throw noRecords(data.files, data.skippedFiles) }
    guard layout.maximumLength >= 5 else {
      throw DataError(
        .tooShort, "rows of \(layout.maximumLength) tokens",
        rule: "a start, two separators and a token of each text need 5")
    }
    rows = data.examples.map { Self.row($0, tokenizer, layout) }
    self.layout = layout
    self.buckets = buckets
    order = SampleOrder(rows.count, random)
    self.random = random.stream("buckets")
  }

  /// The samples of an epoch.
  public var sampleCount: Int { rows.count }

  /// The batch that begins at a global sample number.
  public func batch(from sample: Int, count: Int) -> LabeledBatch {
    let chosen = indices(sample..<sample + count).map { rows[$0] }
    let length = chosen.reduce(0) { max($0, $1.tokens.count) }
    var tokens: [Int32] = []
    var segments: [Int32] = []
    for row in chosen {
      tokens += row.tokens
      tokens += repeatElement(layout.padding, count: length - row.tokens.count)
      segments += repeatElement(0, count: row.secondStart)
      segments += repeatElement(1, count: row.tokens.count - row.secondStart)
      segments += repeatElement(0, count: length - row.tokens.count)
    }
    let shape: Shape = [count, length]
    return LabeledBatch(
      tokens: Tensor(integers: tokens, shape), segments: Tensor(integers: segments, shape),
      lengths: chosen.map(\.tokens.count),
      labels: Tensor(integers: chosen.map(\.label), [count]))
  }

  private static func row(
    _ example: LabeledTexts.Example, _ tokenizer: any Tokenizer, _ layout: LabeledLayout
  ) -> Row {
    var first: [Int32] = []
    example.text.withUnsafeBytes { tokenizer.encode($0, into: &first) }
    var second: [Int32] = []
    example.second?.withUnsafeBytes { tokenizer.encode($0, into: &second) }
    let frame = (layout.start == nil ? 0 : 1) + (example.second == nil ? 1 : 2)
    let room = layout.maximumLength - frame
    if first.count + second.count > room {
      let half = room / 2
      let firstRoom = max(room - second.count, room - half)
      first = Array(first.prefix(firstRoom))
      second = Array(second.prefix(room - first.count))
    }
    var tokens = layout.start.map { [$0] } ?? []
    tokens += first
    tokens.append(layout.separator)
    let secondStart = tokens.count
    if example.second != nil {
      tokens += second
      tokens.append(layout.separator)
    }
    return Row(tokens: tokens, secondStart: secondStart, label: example.label)
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
