import Testing
import Verdant

/// Files that cannot be used, each with the error that names the key and the reason.
@Suite struct TokenizerFileTests {
  /// The report of a file, or nothing when it is accepted.
  private func report(_ text: String, _ limits: Limits = .standard) -> (
    TokenizerError.Kind, String
  )? {
    do throws(TokenizerError) {
      _ = try PretrainedTokenizer(parsing: Array(text.utf8), file: "t.json", limits: limits)
      return nil
    } catch {
      return (error.kind, error.description)
    }
  }

  private func expect(
    _ text: String, _ kind: TokenizerError.Kind, _ parts: String...,
    limits: Limits = .standard, location: SourceLocation = #_sourceLocation
  ) {
    guard let (found, message) = report(text, limits) else {
      Issue.record("accepted: \(text.prefix(200))", sourceLocation: location)
      return
    }
    #expect(found == kind, "\(message)", sourceLocation: location)
    for part in ["t.json"] + parts {
      #expect(message.contains(part), "\(message)", sourceLocation: location)
    }
  }

  /// A file with a byte-pair model and further members.
  private func file(
    vocabulary: String = #"{"a": 0, "b": 1, "ab": 2}"#, merges: String = #"["a b"]"#,
    model: String = "", _ members: String = ""
  ) -> String {
    #"{"version": "1.0", \#(members) "model": {"type": "BPE", \#(model) "vocab": \#(vocabulary), "#
      + #""merges": \#(merges)}}"#
  }

  private func model(_ text: String, _ members: String = "") -> String {
    #"{\#(members) "model": \#(text)}"#
  }

  @Test func aPlainFileIsAccepted() throws {
    #expect(report(file()) == nil)
    let tokenizer = try PretrainedTokenizer(parsing: Array(file().utf8))
    #expect(tokenizer.encode("abba") == [2, 1, 0] && tokenizer.vocabulary == 3)
    // Merges as pairs, before the vocabulary, and without the model's type.
    let other =
      #"{"model": {"merges": [["a", "b"]], "vocab": {"a": 0, "b": 1, "ab": 2}}}"#
    #expect(try PretrainedTokenizer(parsing: Array(other.utf8)).encode("abba") == [2, 1, 0])
  }

  @Test func noJSON() {
    expect("", .notJSON, "ends early")
    expect("{", .notJSON, "ends early")
    expect("[]", .notJSON, "expected an object")
    expect("\u{FEFF}{}", .notJSON, "byte order mark")
    expect(file() + "x", .notJSON, "after the JSON value")
    expect(#"{"model": {"vocab": {"\uD800": 0}, "merges": []}}"#, .notJSON, "surrogate")
    expect(#"{"a": 1, "a": 2}"#, .notJSON, "appears twice")
    expect(#"{"model": {"vocab": {}, "vocab": {}}}"#, .notJSON, "appears twice")
    expect(#"{"model": {"merges": [], "merges": []}}"#, .notJSON, "appears twice")
    expect(#"{"x": "# + String(repeating: "[", count: 100_000), .notJSON, "nested too deeply")
    expect(
      model(#"{"vocab": {}, "merges": "# + String(repeating: "[", count: 100_000)), .notJSON,
      "nested too deeply")
    var limits = Limits()
    limits.tokenizerBytes = 10
    expect(file(), .tooLarge, "at most 10 bytes", limits: limits)
  }

  @Test func notUTF8() {
    var bytes = Array(file().utf8)
    bytes[bytes.count - 3] = 0xFF
    #expect(throws: TokenizerError.self) { try PretrainedTokenizer(parsing: bytes) }
  }

  @Test func theModel() {
    expect("{}", .missingKey, "'model' is missing")
    expect(#"{"model": null}"#, .notJSON, "the object 'model'")
    expect(model("{}"), .missingKey, "model.vocab")
    expect(model(#"{"type": "BPE", "vocab": {}}"#), .missingKey, "model.merges")
    expect(model(#"{"type": "BPA", "vocab": {}}"#), .unknownKind, "'BPA'", "did you mean 'BPE'?")
    expect(#"{"version": "2.0", "model": {"vocab": {}, "merges": []}}"#, .unsupported, "version")
    expect(file(model: #""dropout": 0.1,"#), .unsupported, "model.dropout")
    expect(file(model: #""fuse_unk": 1,"#), .wrongType, "model.fuse_unk", "true or false")
    expect(file(model: #""unk_token": "<unk>","#), .missingToken, "model.unk_token", "<unk>")
    expect(
      model(#"{"type": "WordPiece", "vocab": {"a": 0}}"#), .missingToken, "[UNK]")
    expect(
      model(#"{"type": "WordPiece", "max_input_chars_per_word": -1, "vocab": {"[UNK]": 0}}"#),
      .outOfRange, "-1 is out of range")
    expect(
      model(#"{"type": "WordLevel", "unk_token": "u", "vocab": {"a": 0}}"#), .missingToken, "'u'")
    expect(model(#"{"type": "Unigram", "vocab": []}"#), .invalidVocabulary, "empty")
    expect(model(#"{"type": "Unigram", "vocab": [["a", 0]]}"#), .missingKey, "unk_id")
    expect(
      model(#"{"type": "Unigram", "unk_id": 1, "vocab": [["a", 0]]}"#), .outOfRange, "unk_id")
    expect(
      model(#"{"type": "Unigram", "unk_id": 0, "vocab": [["a", "b"]]}"#), .wrongType, "a score")
    expect(model(#"{"type": "Unigram", "unk_id": 0, "vocab": [["a"]]}"#), .notJSON, "a score")
    expect(
      model(#"{"type": "Unigram", "unk_id": 0, "vocab": [["a", 1e999]]}"#), .notJSON,
      "out of range")
    expect(
      model(#"{"type": "Unigram", "unk_id": 0, "vocab": [["a", 0], ["a", 1]]}"#),
      .invalidVocabulary, "appears twice")
    let long = String(repeating: "a", count: 2_000)
    expect(
      model(#"{"type": "Unigram", "unk_id": 0, "vocab": [["\#(long)", 0]]}"#), .tooLarge,
      "a token of 2000 bytes")
  }

  @Test func idsAndTokens() {
    for id in ["-1", "4194304", "2147483648", "1000000000", "9223372036854775807"] {
      expect(file(vocabulary: #"{"a": \#(id)}"#), .invalidVocabulary, "the id \(id)")
    }
    for value in ["null", "\"0\"", "0.0", "1e3", "[]", "99999999999999999999"] {
      expect(file(vocabulary: #"{"a": \#(value)}"#), .wrongType, "'a'", "in the place of an id")
    }
    expect(file(vocabulary: #"{"a": 0, "b": 0}"#), .invalidVocabulary, "of another token")
    expect(file(vocabulary: #"{"a": 0, "\u0061": 1}"#), .invalidVocabulary, "appears twice")
    expect(file(vocabulary: "7"), .missingKey, "model.vocab")
    // Empty and very long tokens harm nobody.
    let long = String(repeating: "x", count: 1 << 20)
    #expect(
      report(file(vocabulary: #"{"": 0, "\#(long)": 1, "é": 7}"#, merges: "[]")) == nil)
  }

  @Test func merges() {
    for merge in [#""a""#, #""a b c""#, #""""#, #"["a"]"#, #"["a", "b", "c"]"#] {
      expect(file(merges: "[\(merge)]"), .invalidMerge, "merges[0]", "not a pair")
    }
    expect(file(merges: #"["a b", 7]"#), .notJSON, "expected a string")
    expect(file(merges: #"["a c"]"#), .invalidMerge, "names 'c'", "merges[0]")
    expect(file(merges: #"["a b", "b a"]"#), .invalidMerge, "makes 'ba'", "merges[1]")
    expect(file(merges: #"[["ab", "ab"]]"#), .invalidMerge, "makes 'abab'")
    expect(file(merges: "null"), .missingKey, "model.merges")
    expect(
      file(merges: #"["a b"]"#, model: #""continuing_subword_prefix": "bb","#), .invalidMerge,
      "not a pair")
    var limits = Limits()
    limits.merges = 1
    expect(file(merges: #"["a b", "a b"]"#), .tooLarge, "more than 1 merges", limits: limits)
  }

  @Test func addedTokens() {
    func added(_ text: String) -> String { file(#""added_tokens": [\#(text)],"#) }
    #expect(report(added(#"{"id": 3, "content": "<s>"}"#)) == nil)
    #expect(report(added(#"{"id": 1, "content": "b", "special": true}"#)) == nil)
    expect(added(#"{"id": 3, "content": ""}"#), .invalidAddedToken, "is empty", "added_tokens[0]")
    expect(added(#"{"id": 2, "content": "b"}"#), .invalidAddedToken, "the vocabulary gives it 1")
    expect(added(#"{"id": 9, "content": "c"}"#), .invalidAddedToken, "without gaps: 3")
    expect(added(#"{"id": -1, "content": "c"}"#), .outOfRange, "-1")
    expect(added(#"{"content": "c"}"#), .missingKey, "'id'")
    expect(added(#"{"id": 3}"#), .missingKey, "'content'")
    expect(added(#"{"id": 3, "content": 3}"#), .wrongType, "a string expected")
    expect(added("7"), .wrongType, "added_tokens[0]")
    expect(file(#""added_tokens": {},"#), .wrongType, "a list expected")
    let long = String(repeating: "x", count: 1_025)
    expect(added(#"{"id": 3, "content": "\#(long)"}"#), .tooLarge, "1025 bytes")
  }

  @Test(arguments: [
    "(a+)+$", "(.*)*", "(?<=a)b", #"(a)\1"#, "[" + String(repeating: "a", count: 100_000) + "]",
  ])
  func patternsThatAreNotKnown(_ pattern: String) throws {
    let quoted = try JSONValue.string(pattern).serialized()
    let split = #"{"type": "Split", "pattern": {"Regex": \#(quoted)}, "behavior": "Isolated"}"#
    expect(
      file(#""pre_tokenizer": \#(split),"#), .unsupported, "pre_tokenizer.pattern",
      String(pattern.prefix(20)))
  }

  @Test func parts() {
    expect(file(#""normalizer": 7,"#), .wrongType, "'normalizer' is an integer")
    expect(file(#""normalizer": {},"#), .missingKey, "normalizer.type")
    expect(file(#""normalizer": {"type": "NFX"},"#), .unknownKind, "NFX", "did you mean")
    expect(
      file(#""normalizer": {"type": "Sequence", "normalizers": [{"type": "x"}]},"#), .unknownKind,
      "normalizer.normalizers[0].type")
    expect(file(#""pre_tokenizer": {"type": "x"},"#), .unknownKind, "pre_tokenizer")
    expect(file(#""decoder": {"type": "x"},"#), .unknownKind, "decoder")
    expect(file(#""post_processor": {"type": "x"},"#), .unknownKind, "post_processor")
    let grows = #"{"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaa"}"#
    let chain = Array(repeating: grows, count: 4).joined(separator: ",")
    expect(
      file(#""normalizer": {"type": "Sequence", "normalizers": [\#(chain)]},"#), .tooLarge,
      "4096 times as large")
    let many = Array(repeating: #"{"type": "NFC"}"#, count: 65).joined(separator: ",")
    expect(
      file(#""normalizer": {"type": "Sequence", "normalizers": [\#(many)]},"#), .tooLarge,
      "more than 64 parts")
    expect(
      file(#""normalizer": {"type": "Replace", "pattern": {"String": ""}, "content": ""},"#),
      .outOfRange, "an empty pattern")
    for map in ["!", "AAAA", "/////w==", "BAAAAA=="] {
      expect(
        file(#""normalizer": {"type": "Precompiled", "precompiled_charsmap": "\#(map)"},"#),
        .outOfRange, "precompiled_charsmap")
    }
    expect(
      file(#""pre_tokenizer": {"type": "Metaspace", "replacement": "ab"},"#), .outOfRange,
      "not one character")
    expect(
      file(
        #""pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "first", "add_prefix_space": false},"#
      ), .outOfRange, "contradicts")
    expect(
      file(#""pre_tokenizer": {"type": "Punctuation", "behavior": "Isolate"},"#), .outOfRange,
      "did you mean 'Isolated'?")
  }

  @Test func templates() {
    func template(_ single: String, _ special: String = "{}") -> String {
      file(
        #""post_processor": {"type": "TemplateProcessing", "single": [\#(single)], "#
          + #""special_tokens": \#(special)},"#)
    }
    let token = #"{"SpecialToken": {"id": "X", "type_id": 0}}"#
    expect(template(token), .missingToken, "'X' is not described")
    expect(template(token, #"{"X": {"ids": [99]}}"#), .missingToken, "the id 99")
    expect(template(token, #"{"X": {"ids": [-1]}}"#), .wrongType, "no list of ids")
    expect(template(token, #"{"X": {}}"#), .wrongType, "no list of ids")
    expect(template(#"{"Sequence": {"id": "B"}}"#), .outOfRange, "no text 'B'")
    expect(template(#"{"Other": {}}"#), .wrongType, "SpecialToken")
    expect(
      file(#""post_processor": {"type": "BertProcessing", "sep": ["x", 9], "cls": ["y", 0]},"#),
      .missingToken, "the id 9")
    expect(
      file(#""post_processor": {"type": "BertProcessing", "sep": ["x"], "cls": ["y", 0]},"#),
      .wrongType, "sep")
  }

  @Test func lengths() {
    expect(file(#""truncation": {"max_length": -1},"#), .outOfRange, "truncation.max_length")
    expect(file(#""truncation": {"max_length": 4, "stride": 4},"#), .outOfRange, "stride")
    expect(file(#""truncation": {},"#), .missingKey, "truncation.max_length")
    expect(file(#""truncation": 7,"#), .wrongType, "truncation")
    expect(file(#""padding": {"strategy": {"Fixed": -1}},"#), .outOfRange, "padding.strategy.Fixed")
    expect(
      file(#""padding": {"strategy": {"Fixed": 1000000000000}},"#), .outOfRange, "16777216")
    expect(file(#""padding": {"strategy": "Longest"},"#), .outOfRange, "BatchLongest")
    expect(
      file(#""padding": {"strategy": "BatchLongest", "pad_id": -5},"#), .outOfRange, "pad_id")
  }

  @Test func missingFiles() {
    #expect(throws: TokenizerError.self) { try PretrainedTokenizer(file: "no-such-tokenizer.json") }
    #expect(throws: TokenizerError.self) { try PretrainedTokenizer(file: "/") }
  }
}
