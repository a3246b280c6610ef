internal import VerdantBase

/// Turns tokens back into text, as a step of a chain.
protocol TokenDecoder: Sendable {
  /// The name in tokenizer files.
  static var kind: String { get }
  /// Reads the settings of a tokenizer file.
  init(_ settings: PartSettings) throws(TokenizerError)
  /// Changes a list of strings in UTF-8, which are joined at the end.
  func decode(_ tokens: [[UInt8]]) -> [[UInt8]]
}

/// Reads the characters of byte-level tokens as bytes.
struct ByteLevelDecoder: TokenDecoder {
  static let kind = "ByteLevel"
  init(_ settings: PartSettings) {}

  func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
    let bytes = tokens.flatMap { ByteAlphabet.bytes(of: $0) ?? $0 }
    return [bytes.withUnsafeBytes { Array(repairing: $0) }]
  }
}

/// Reads tokens such as `<0x0A>` as bytes; bytes that are no text become U+FFFD each.
struct ByteFallbackDecoder: TokenDecoder {
  static let kind = "ByteFallback"
  init(_ settings: PartSettings) {}

  func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var bytes: [UInt8] = []
    func flush() {
      guard !bytes.isEmpty else { return }
      if bytes.withUnsafeBytes({ firstInvalidUTF8(in: $0) == nil }) {
        result.append(bytes)
      } else {
        result += bytes.map { _ in Array("\u{FFFD}".utf8) }
      }
      bytes = []
    }
    for token in tokens {
      if let byte = Self.byte(of: token) {
        bytes.append(byte)
      } else {
        flush()
        result.append(token)
      }
    }
    flush()
    return result
  }

  /// The byte that a token such as `<0x0A>` stands for.
  static func byte(of token: [UInt8]) -> UInt8? {
    guard token.count == 6, token.starts(with: Array("<0x".utf8)), token[5] == UInt8(ascii: ">")
    else { return nil }
    return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
  }
}

/// Joins all tokens.
struct FuseDecoder: TokenDecoder {
  static let kind = "Fuse"
  init(_ settings: PartSettings) {}
  func decode(_ tokens: [[UInt8]]) -> [[UInt8]] { [Array(tokens.joined())] }
}

/// Replaces each place where a pattern matches.
struct ReplaceDecoder: TokenDecoder {
  static let kind = "Replace"
  private let pattern: any TextPattern
  private let content: [UInt8]

  init(_ settings: PartSettings) throws(TokenizerError) {
    pattern = try settings.pattern("pattern")
    content = Array(try settings.string("content").utf8)
    try settings.limit(content.count, "content")
  }

  func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
    tokens.map { token in
      pattern.segments(of: token).flatMap { $0.isMatch ? content[...] : token[$0.start..<$0.end] }
    }
  }
}

/// Removes a character at the ends of tokens, at most so many times.
struct StripDecoder: TokenDecoder {
  static let kind = "Strip"
  private let content: UInt32
  private let start: Int
  private let stop: Int

  init(_ settings: PartSettings) throws(TokenizerError) {
    content = try settings.scalar("content") ?? 0x20
    start = try settings.integer("start", in: 0...Int(Int32.max)) ?? 0
    stop = try settings.integer("stop", in: 0...Int(Int32.max)) ?? 0
  }

  func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
    tokens.map { token in
      var scalars = token.scalars[...]
      for _ in 0..<min(start, scalars.count) where scalars.first == content {
        scalars.removeFirst()
      }
      for _ in 0..<min(stop, scalars.count) where scalars.last == content { scalars.removeLast() }
      var result: [UInt8] = []
      for scalar in scalars { appendScalar(scalar, to: &result) }
      return result
    }
  }
}

/// Reads `▁` as a space, but not at the start.
struct MetaspaceDecoder: TokenDecoder {
  static let kind = "Metaspace"
  private let replacement: UInt32
  private let dropsFirst: Bool

  init(_ settings: PartSettings) throws(TokenizerError) {
    replacement = try settings.scalar("replacement") ?? 0x2581
    dropsFirst = try settings.metaspacePrepending() != .never
  }

  func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
    tokens.enumerated().map { index, token in
      var result: [UInt8] = []
      for scalar in token.scalars {
        if scalar != replacement {
          appendScalar(scalar, to: &result)
        } else if index > 0 || !dropsFirst {
          result.append(0x20)
        }
      }
      return result
    }
  }
}

/// Joins the tokens of words and puts spaces between words.
struct WordPieceDecoder: TokenDecoder {
  static let kind = "WordPiece"
  private let prefix: [UInt8]
  private let cleans: Bool

  /// What cleaning replaces, in this order.
  private static let replacements = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
    (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ].map { (pattern: LiteralPattern(Array($0.0.utf8)), content: Array($0.1.utf8)) }

  init(_ settings: PartSettings) throws(TokenizerError) {
    prefix = Array((try settings.optionalString("prefix") ?? "##").utf8)
    cleans = try settings.bool("cleanup") ?? true
  }

  func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
    tokens.enumerated().map { index, token in
      var text = token
      if index > 0 {
        text = token.starts(with: prefix) ? Array(token.dropFirst(prefix.count)) : [0x20] + token
      }
      return cleans ? Self.cleaned(text) : text
    }
  }

  private static func cleaned(_ text: [UInt8]) -> [UInt8] {
    guard text.contains(0x20) else { return text }
    return replacements.reduce(text) { text, rule in
      rule.pattern.segments(of: text).flatMap {
        $0.isMatch ? rule.content[...] : text[$0.start..<$0.end]
      }
    }
  }
}

/// Reads the mark at the end of words as a space, but not at the end of the text.
struct WordEndDecoder: TokenDecoder {
  static let kind = "BPEDecoder"
  private let suffix: LiteralPattern

  init(_ settings: PartSettings) throws(TokenizerError) {
    let text = try settings.optionalString("suffix") ?? "</w>"
    guard !text.isEmpty else { throw settings.error(.outOfRange, "an empty suffix", "suffix") }
    suffix = LiteralPattern(Array(text.utf8))
  }

  func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
    tokens.enumerated().map { index, token in
      let space: ArraySlice<UInt8> = index == tokens.count - 1 ? [] : [0x20]
      return suffix.segments(of: token).flatMap {
        $0.isMatch ? space : token[$0.start..<$0.end]
      }
    }
  }
}
