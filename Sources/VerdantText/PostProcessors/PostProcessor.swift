/// A sequence of tokens that a processor works on.
struct ProcessedPart {
  var text: TokenizedText
  /// For each token the characters of white space at its start and end.
  var spaces: [(leading: Int, trailing: Int)]
}

/// Adds special tokens and corrects offsets after a text became ids.
protocol PostProcessor: Sendable {
  /// The name in tokenizer files.
  static var kind: String { get }
  /// Reads the settings of a tokenizer file.
  init(_ settings: PartSettings) throws(TokenizerError)
  /// The number of tokens it adds.
  func addedCount(isPair: Bool) -> Int
  /// The ids it adds, to be checked against the vocabulary.
  var addedIDs: [(key: String, id: Int32)] { get }
  /// Whether it needs to know the white space in tokens.
  var needsSpaces: Bool { get }
  /// Processes the parts of a text.
  func process(_ parts: [ProcessedPart], addsSpecial: Bool) -> [ProcessedPart]
}

extension PostProcessor {
  var addedIDs: [(key: String, id: Int32)] { [] }
  var needsSpaces: Bool { false }
  func addedCount(isPair: Bool) -> Int { 0 }
}

extension ProcessedPart {
  /// Tokens that a template adds.
  init(special ids: [Int32], typeID: Int32) {
    text = TokenizedText(special: ids, typeID: typeID)
    spaces = ids.map { _ in (0, 0) }
  }

  /// Takes white space at the ends of tokens out of their offsets.
  mutating func trimOffsets(hasPrefixSpace: Bool) {
    for i in text.offsets.indices {
      var (leading, trailing) = spaces[i]
      var start = text.offsets[i].lowerBound
      var end = text.offsets[i].upperBound
      if leading > 0 {
        // A single space at the start of a text is one that was put there.
        if i == 0 || start == 0, hasPrefixSpace, leading == 1 { leading = 0 }
        start = min(start + leading, end)
      }
      if trailing > 0, end >= trailing { end = max(end - trailing, start) }
      text.offsets[i] = start..<end
    }
  }
}

/// Corrects the offsets of byte-level tokens.
struct ByteLevelProcessor: PostProcessor {
  static let kind = "ByteLevel"
  private let trims: Bool
  private let hasPrefixSpace: Bool

  init(_ settings: PartSettings) throws(TokenizerError) {
    trims = try settings.bool("trim_offsets") ?? true
    hasPrefixSpace = try settings.bool("add_prefix_space") ?? true
  }

  var needsSpaces: Bool { trims }

  func process(_ parts: [ProcessedPart], addsSpecial: Bool) -> [ProcessedPart] {
    guard trims else { return parts }
    var parts = parts
    for i in parts.indices { parts[i].trimOffsets(hasPrefixSpace: hasPrefixSpace) }
    return parts
  }
}
