internal import VerdantBase

/// Reads the list `merges`: strings of two tokens with a space between them, or pairs of tokens.
struct MergeReader {
  /// A merge as ids.
  struct Entry: BitwiseCopyable {
    var left: Int32
    var right: Int32
    var result: Int32
    /// Whether it joins the end of a word to the `▁` that begins the next.
    var crossesWords: Bool
  }

  let vocabulary: Vocabulary
  /// Bytes at the start of right parts that do not go into the result.
  let prefixLength: Int
  let settings: PartSettings
  let limits: Limits

  private var text: [UInt8] = []
  private var joined: [UInt8] = []

  init(vocabulary: Vocabulary, prefixLength: Int, settings: PartSettings, limits: Limits) {
    self.vocabulary = vocabulary
    self.prefixLength = prefixLength
    self.settings = settings
    self.limits = limits
  }

  /// Reads the list that comes next.
  mutating func read(_ reader: inout JSONReader, nestingLimit: Int) throws(TokenizerError)
    -> [Entry]
  {
    do {
      return try readList(&reader, nestingLimit)
    } catch let error as JSONError {
      throw TokenizerError(error)
    } catch let error as TokenizerError {
      throw error
    } catch {
      trap("[tokenizer] an error of no known type: \(error)")
    }
  }

  private mutating func readList(_ reader: inout JSONReader, _ nesting: Int) throws -> [Entry] {
    var entries: [Entry] = []
    entries.reserveCapacity(vocabulary.count)
    let inner = try reader.enter(UInt8(ascii: "["), "a list", nestingLimit: nesting)
    if reader.take(UInt8(ascii: "]")) { return entries }
    repeat {
      guard entries.count < limits.merges else {
        throw settings.error(
          .tooLarge, "more than \(limits.merges) merges", "merges",
          rule: "the limit of merges")
      }
      text.removeAll(keepingCapacity: true)
      let split: Int
      if reader.peek() == UInt8(ascii: "[") {
        _ = try reader.enter(UInt8(ascii: "["), "a pair", nestingLimit: inner)
        try reader.string(appendingTo: &text)
        split = text.count
        guard reader.take(UInt8(ascii: ",")) else { throw parts(entries.count) }
        try reader.string(appendingTo: &text)
        guard reader.take(UInt8(ascii: "]")) else { throw parts(entries.count) }
      } else {
        try reader.string(appendingTo: &text)
        if text.starts(with: Array("#version".utf8)) { continue }
        guard let space = text.firstIndex(of: 0x20),
          text.lastIndex(of: 0x20) == space
        else { throw parts(entries.count) }
        text.remove(at: space)
        split = space
      }
      entries.append(try entry(split, entries.count))
    } while reader.take(UInt8(ascii: ","))
    try reader.expect(UInt8(ascii: "]"), "',' or ']'")
    return entries
  }

  private mutating func entry(_ split: Int, _ index: Int) throws(TokenizerError) -> Entry {
    let found = text.withUnsafeBufferPointer { text in
      (
        left: vocabulary.id(of: .init(rebasing: text[..<split])),
        right: vocabulary.id(of: .init(rebasing: text[split...])),
        result: prefixLength == 0 ? vocabulary.id(of: text) : nil
      )
    }
    guard let left = found.left else { throw missing(text[..<split], "names", index) }
    guard let right = found.right else { throw missing(text[split...], "names", index) }
    var result = found.result
    if prefixLength > 0 {
      guard text.count - split >= prefixLength else { throw parts(index) }
      joined.removeAll(keepingCapacity: true)
      joined += text[..<split]
      joined += text[(split + prefixLength)...]
      result = vocabulary.id(of: joined)
    }
    guard let result else { throw missing(text[...], "makes", index) }
    let crosses =
      text[split...].starts(with: wordStart) && !text[..<split].suffix(3).elementsEqual(wordStart)
    return Entry(left: left, right: right, result: result, crossesWords: crosses)
  }

  private func parts(_ index: Int) -> TokenizerError {
    settings.error(
      .invalidMerge, "a merge that is not a pair of tokens", "merges[\(index)]",
      rule: "\"a b\" or [\"a\", \"b\"]")
  }

  private func missing(_ token: ArraySlice<UInt8>, _ verb: String, _ index: Int)
    -> TokenizerError
  {
    let shown = escaped(String(decoding: token.prefix(200), as: UTF8.self), limit: 60)
    return settings.error(
      .invalidMerge, "a merge \(verb) '\(shown)', which is not in the vocabulary",
      "merges[\(index)]", rule: "parts and result are tokens")
  }
}
