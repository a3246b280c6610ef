/// The regular expressions that are known by their text, each with a scanner written for it.
enum KnownPatterns {
  /// The pattern of GPT-2.
  static let gpt2 =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
  /// The pattern of GPT-4 and Llama 3.
  static let llama3 = modern(digits: #"\p{N}{1,3}"#)
  /// The pattern of Qwen 2.
  static let qwen2 = modern(digits: #"\p{N}"#)

  private static func modern(digits: String) -> String {
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  /// All patterns by their text.
  private static let all: [String: any TextPattern] = [
    gpt2: WordPattern.gpt2,
    llama3: WordPattern.llama3,
    qwen2: WordPattern.qwen2,
    #"\s+"#: RunPattern(flags: .space, count: 1...Int.max),
    #"\s"#: RunPattern(flags: .space, count: 1...1),
    #"\S+"#: RunPattern(flags: .space, count: 1...Int.max, isInverted: true),
    #"\p{N}"#: RunPattern(flags: .number, count: 1...1),
    #"\p{N}+"#: RunPattern(flags: .number, count: 1...Int.max),
    #"\p{N}{1,3}"#: RunPattern(flags: .number, count: 1...3),
    #"\p{L}+"#: RunPattern(flags: .letter, count: 1...Int.max),
    #"\w+|[^\w\s]+"#: WordOrSymbolPattern(),
    " {2,}": RunPattern(flags: [], count: 2...Int.max, scalar: 0x20),
    " +": RunPattern(flags: [], count: 1...Int.max, scalar: 0x20),
  ]

  /// The scanner of a regular expression; nil for one that is not known.
  static func find(_ expression: String) -> (any TextPattern)? { all[expression] }
}
