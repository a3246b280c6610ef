public import VerdantBase
public import VerdantText

/// Prompts with their completions as rows: one example a row, in a new order each epoch. Only the
/// tokens of completions, and the separator behind each, are targets.
public struct CompletionRows: BatchSource {
  /// The tokens of all examples, one after the other.
  public let stream: TokenStream
  /// Examples whose prompt lost its beginning, or whose completion lost its end, to the length.
  public let shortenedCount: Int

  private struct Example {
    let tokens: Range<Int>
    let promptCount: Int
  }

  private let examples: [Example]
  private let length: Int
  private let padding: Int32
  private let order: SampleOrder
  private let completionBytes: [Int]

  /// Turns examples into rows of `length` tokens, the rest of a row filled with separators that
  /// do not count. Of a long example the beginning of the prompt goes first.
  ///
  /// - Throws: ``DataError`` when there is no example.
  public init(
    _ examples: [Completions.Example], _ tokenizer: any Tokenizer, length: Int,
    _ random: RandomSource
  ) throws(DataError) {
    require(length > 0, "[completions] rows of \(length) tokens")
    guard !examples.isEmpty else { throw noRecords([], []) }
    var ids: [Int32] = []
    var found: [Example] = []
    var completionBytes: [Int] = []
    var shortened = 0
    for example in examples {
      let start = ids.count
      // The first token needs one before it that it follows.
      if example.prompt.isEmpty { ids.append(tokenizer.endOfDocument) }
      example.prompt.withUnsafeBytes { tokenizer.encode($0, into: &ids) }
      var promptCount = ids.count - start
      example.completion.withUnsafeBytes { tokenizer.encode($0, into: &ids) }
      ids.append(tokenizer.endOfDocument)
      let excess = ids.count - start - (length + 1)
      if excess > 0 {
        shortened += 1
        let cut = min(excess, promptCount - 1)
        ids.removeSubrange(start..<start + cut)
        promptCount -= cut
        ids.removeLast(excess - cut)
      }
      found.append(Example(tokens: start..<ids.count, promptCount: promptCount))
      completionBytes.append(
        ids[(start + promptCount)...].reduce(0) { $0 + tokenizer.bytes(of: $1).count })
    }
    self.examples = found
    self.length = length
    self.completionBytes = completionBytes
    padding = tokenizer.endOfDocument
    order = SampleOrder(found.count, random)
    shortenedCount = shortened
    stream = TokenStream(
      ids: ids,
      byteCount: examples.reduce(0) { $0 + $1.prompt.count + $1.completion.count },
      documentCount: examples.count)
  }

  /// The examples.
  public var sampleCount: Int { examples.count }

  /// The rows that begin at a global sample number.
  public func rows(from sample: Int, count: Int) -> TokenRows {
    rows((sample..<sample + count).map { order[$0] })
  }

  /// Rows in the order of the files, for evaluation, with the bytes of their completions.
  func inOrder(_ range: Range<Int>) -> (rows: TokenRows, byteCount: Int) {
    (rows(Array(range)), completionBytes[range].reduce(0, +))
  }

  private func rows(_ indices: [Int]) -> TokenRows {
    var rows = TokenRows(length: length, capacity: indices.count)
    for index in indices {
      let example = examples[index]
      let tokens = stream.ids[example.tokens]
      let unused = length - (tokens.count - 1)
      rows.tokens += tokens.dropLast()
      rows.tokens += repeatElement(padding, count: unused)
      rows.targets += repeatElement(-1, count: example.promptCount - 1)
      rows.targets += tokens.dropFirst(example.promptCount)
      rows.targets += repeatElement(-1, count: unused)
    }
    return rows
  }

  /// Sets a share of examples aside: whole ones, at least one where there are two.
  static func split(
    _ examples: [Completions.Example], validation fraction: Double, _ random: RandomSource
  ) -> (training: [Completions.Example], validation: [Completions.Example]) {
    guard fraction > 0, examples.count >= 2 else { return (examples, []) }
    let order = Permutation(examples.count, random.stream("validation split"))
    let held = Set((0..<max(1, Int(Double(examples.count) * fraction))).map { order[$0] })
    return (
      examples.indices.filter { !held.contains($0) }.map { examples[$0] },
      examples.indices.filter { held.contains($0) }.map { examples[$0] }
    )
  }
}
