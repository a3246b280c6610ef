/// Cuts at white space and isolates punctuation, as BERT does.
struct BertPreTokenizer: PreTokenizer {
  static let kind = "BertPreTokenizer"
  init(_ settings: PartSettings) {}

  func split(_ text: inout PreTokenizedText) {
    let properties = ScalarProperties.shared
    text.cut { bytes, range, emit in
      var start = range.lowerBound
      var i = start
      while i < range.upperBound {
        let (scalar, size) = decodeScalar(bytes, i)
        let flags = properties[scalar]
        if !flags.isDisjoint(with: [.space, .punctuation]) {
          emit(start, i)
          if flags.contains(.punctuation) { emit(i, i + size) }
          start = i + size
        }
        i += size
      }
      emit(start, range.upperBound)
    }
  }
}

/// Words and runs of symbols without white space.
struct WhitespacePreTokenizer: PreTokenizer {
  static let kind = "Whitespace"
  init(_ settings: PartSettings) {}

  func split(_ text: inout PreTokenizedText) {
    text.cut {
      SplitBehavior.removed.cut($0, $1, by: WordOrSymbolPattern(), isInverted: true, $2)
    }
  }
}

/// Cuts at white space.
struct WhitespaceSplitPreTokenizer: PreTokenizer {
  static let kind = "WhitespaceSplit"
  init(_ settings: PartSettings) {}

  func split(_ text: inout PreTokenizedText) {
    let pattern = RunPattern(flags: .space, count: 1...1)
    text.cut { SplitBehavior.removed.cut($0, $1, by: pattern, isInverted: false, $2) }
  }
}

/// Cuts at punctuation.
struct PunctuationPreTokenizer: PreTokenizer {
  static let kind = "Punctuation"
  private let behavior: SplitBehavior

  init(_ settings: PartSettings) throws(TokenizerError) {
    behavior = try settings.choice("behavior", SplitBehavior.self) ?? .isolated
  }

  func split(_ text: inout PreTokenizedText) {
    let pattern = RunPattern(flags: .punctuation, count: 1...1)
    text.cut { behavior.cut($0, $1, by: pattern, isInverted: false, $2) }
  }
}

/// Isolates numbers or single digits.
struct DigitsPreTokenizer: PreTokenizer {
  static let kind = "Digits"
  private let behavior: SplitBehavior

  init(_ settings: PartSettings) throws(TokenizerError) {
    behavior = try settings.bool("individual_digits") ?? false ? .isolated : .contiguous
  }

  func split(_ text: inout PreTokenizedText) {
    let pattern = RunPattern(flags: .numeric, count: 1...1)
    text.cut { behavior.cut($0, $1, by: pattern, isInverted: false, $2) }
  }
}

/// Cuts at one character.
struct DelimiterPreTokenizer: PreTokenizer {
  static let kind = "CharDelimiterSplit"
  private let pattern: LiteralPattern

  init(_ settings: PartSettings) throws(TokenizerError) {
    guard let delimiter = try settings.scalar("delimiter") else {
      throw settings.error(.missingKey, "'delimiter' is missing", "delimiter")
    }
    var bytes: [UInt8] = []
    appendScalar(delimiter, to: &bytes)
    pattern = LiteralPattern(bytes)
  }

  func split(_ text: inout PreTokenizedText) {
    text.cut { SplitBehavior.removed.cut($0, $1, by: pattern, isInverted: false, $2) }
  }
}
