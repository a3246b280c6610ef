/// Replaces each place where a pattern matches.
struct ReplaceNormalizer: Normalizer {
  static let kind = "Replace"

  private let pattern: any TextPattern
  private let content: [UInt8]
  let growth: Int

  init(_ settings: PartSettings) throws(TokenizerError) {
    pattern = try settings.pattern("pattern")
    content = Array(try settings.string("content").utf8)
    try settings.limit(content.count, "content")
    growth = max(1, (content.count + pattern.shortest - 1) / pattern.shortest)
  }

  func apply(to text: inout NormalizedText) {
    let matches = pattern.segments(of: text.bytes).filter(\.isMatch)
    guard !matches.isEmpty else { return }
    var rewriter = TextRewriter(text)
    for match in matches {
      rewriter.copy(to: match.start)
      rewriter.skip(to: match.end)
      rewriter.insert(content)
    }
    rewriter.copy(to: text.bytes.count)
    rewriter.finish(&text)
  }
}

/// Puts a string before every text that is not empty.
struct PrependNormalizer: Normalizer {
  static let kind = "Prepend"
  private let prefix: [UInt8]

  init(_ settings: PartSettings) throws(TokenizerError) {
    prefix = Array(try settings.string("prepend").utf8)
    try settings.limit(prefix.count, "prepend")
  }

  func apply(to text: inout NormalizedText) {
    guard !text.bytes.isEmpty else { return }
    var rewriter = TextRewriter(text)
    rewriter.prepend(prefix)
    rewriter.copy(to: text.bytes.count)
    rewriter.finish(&text)
  }
}

/// Writes every byte as the character that stands for it.
struct ByteLevelNormalizer: Normalizer {
  static let kind = "ByteLevel"
  let growth = 2
  init(_ settings: PartSettings) {}

  func apply(to text: inout NormalizedText) {
    var rewriter = TextRewriter(text)
    for byte in text.bytes { rewriter.putByteCharacter(byte) }
    rewriter.finish(&text)
  }
}
