import Testing
import Verdant

/// How patterns cut text, as the original does.
@Suite struct WordPatternTests {
  /// The words of a text by a pre-tokenizer; every word becomes a token of the vocabulary.
  private func words(_ text: String, _ preTokenizer: String) throws -> [String] {
    let file =
      #"{"model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0}}, "#
      + #""pre_tokenizer": \#(preTokenizer)}"#
    let tokenizer = try PretrainedTokenizer(parsing: Array(file.utf8))
    let scalars = Array(text.unicodeScalars)
    return tokenizer.tokenize(text).offsets.map { range in
      var word = String.UnicodeScalarView()
      word.append(contentsOf: scalars[range])
      return String(word)
    }
  }

  private static let byteLevel =
    #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"#

  private static func split(_ pattern: String) throws -> String {
    #"{"type": "Split", "pattern": {"Regex": \#(try JSONValue.string(pattern).serialized())}, "#
      + #""behavior": "Isolated", "invert": false}"#
  }

  private static let llama3 =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"#
    + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#

  @Test(arguments: [
    ("Hello  world", ["Hello", " ", " world"]), ("a\n\n b", ["a", "\n\n", " b"]),
    ("e\u{301}x", ["e", "\u{301}", "x"]), ("it's IT'S", ["it", "'s", " IT", "'", "S"]),
    ("12345 1", ["12345", " 1"]), ("x \t", ["x", " \t"]), (" ", [" "]),
    ("a\u{A0}b", ["a", "\u{A0}", "b"]),
  ])
  func gpt2(_ text: String, _ expected: [String]) throws {
    #expect(try words(text, Self.byteLevel) == expected)
  }

  @Test(arguments: [
    ("!!\n\nx", ["!!\n\n", "x"]), ("x \n y", ["x", " \n", " y"]), ("12345", ["123", "45"]),
    ("e\u{301}x", ["e", "\u{301}x"]), ("it'ſ IT'LL", ["it", "'ſ", " IT", "'LL"]),
    ("\tab  cd", ["\tab", " ", " cd"]), ("a \r\n  b", ["a", " \r\n", " ", " b"]),
    ("\u{1C}x", ["\u{1C}x"]), ("'hello", ["'hello"]), (" !x", [" !", "x"]),
  ])
  func llama3(_ text: String, _ expected: [String]) throws {
    #expect(try words(text, Self.split(Self.llama3)) == expected)
  }

  @Test(arguments: [
    ("Removed", ["the", "final", "countdown"]),
    ("Isolated", ["the", "-", "-", "final", "-", "countdown"]),
    ("MergedWithPrevious", ["the-", "-", "final-", "countdown"]),
    ("MergedWithNext", ["the", "-", "-final", "-countdown"]),
    ("Contiguous", ["the", "--", "final", "-", "countdown"]),
  ])
  func behaviors(_ name: String, _ expected: [String]) throws {
    let preTokenizer =
      #"{"type": "Split", "pattern": {"String": "-"}, "behavior": "\#(name)", "invert": false}"#
    #expect(try words("the--final-countdown", preTokenizer) == expected)
  }

  @Test func invertedPatternsKeepTheirMatches() throws {
    let preTokenizer =
      #"{"type": "Split", "pattern": {"String": "ab"}, "behavior": "Removed", "invert": true}"#
    #expect(try words("xababy", preTokenizer) == ["ab", "ab"])
  }
}
