import Testing
import Verdant

/// Every family gives what PyPI's `tokenizers` gives.
@Suite struct TokenizerGoldenTests {
  @Test(arguments: GoldenTokenizer.names)
  func idsAndOffsets(_ name: String) throws {
    let golden = try GoldenTokenizer(name)
    #expect(golden.cases.count > 150)
    for example in golden.cases {
      let result = golden.tokenizer.tokenize(example.text, addsSpecialTokens: false)
      #expect(result.ids == example.integers("ids"), "\(name): \(example.text.debugDescription)")
      #expect(result.offsets == example.offsets, "\(name): \(example.text.debugDescription)")
    }
  }

  @Test(arguments: GoldenTokenizer.names)
  func idsAloneAreTheSame(_ name: String) throws {
    let golden = try GoldenTokenizer(name)
    var tokenizer = golden.tokenizer
    tokenizer.truncation = nil
    tokenizer.padding = nil
    for example in golden.cases {
      let result = tokenizer.tokenize(example.text, addsSpecialTokens: false)
      // Twice: the second time words come from memory.
      #expect(tokenizer.encode(example.text) == result.ids)
      #expect(tokenizer.encode(example.text) == result.ids)
      #expect(result.words.allSatisfy { $0 != nil } && result.offsets.count == result.count)
    }
  }

  @Test(arguments: GoldenTokenizer.names)
  func decoding(_ name: String) throws {
    let golden = try GoldenTokenizer(name)
    for example in golden.cases {
      guard let expected = example.json["decoded"]?.stringValue else { continue }
      let ids = try #require(example.integers("ids"))
      let text = golden.tokenizer.decode(ids, skipsSpecialTokens: false)
      #expect(
        ExactString(text) == ExactString(expected), "\(name): \(example.text.debugDescription)")
    }
  }

  @Test(arguments: GoldenTokenizer.names)
  func specialTokensAndPairs(_ name: String) throws {
    let golden = try GoldenTokenizer(name)
    let cases = golden.cases.filter { $0.json["full"] != nil }
    #expect(cases.count > 20)
    for example in cases {
      let full = golden.tokenizer.tokenize(example.text)
      let note = "\(name): \(example.text.debugDescription)"
      #expect(full.ids == example.integers("full"), "\(note)")
      #expect(full.typeIDs == example.integers("types"), "\(note)")
      #expect(full.isSpecial.map { $0 ? 1 : 0 } == example.integers("special"), "\(note)")
      #expect(full.isAttended.map { $0 ? 1 : 0 } == example.integers("attended"), "\(note)")
      let pair = golden.tokenizer.tokenize(example.text, and: "the second text")
      #expect(pair.ids == example.integers("pair"), "\(note)")
      #expect(pair.typeIDs == example.integers("pair_types"), "\(note)")
    }
  }

  @Test(arguments: ["gpt2", "llama3", "llama2", "mistral", "unigram", "bert"])
  func streamsGiveTheWholeText(_ name: String) throws {
    let golden = try GoldenTokenizer(name)
    for example in golden.cases.prefix(60) {
      guard let expected = example.json["decoded"]?.stringValue, !expected.contains("\u{FFFD}")
      else { continue }
      var stream = DecodingStream(golden.tokenizer, skipsSpecialTokens: false)
      let pieces = try #require(example.integers("ids")).map { stream.append($0) }
      #expect(ExactString(pieces.joined()) == ExactString(expected), "\(name)")
    }
  }

  @Test func theBytesOfTokensGiveTheText() throws {
    for name in ["gpt2", "llama3"] {
      let golden = try GoldenTokenizer(name)
      for example in golden.cases {
        let ids = golden.tokenizer.encode(example.text)
        guard !ids.contains(where: golden.tokenizer.isSpecial) else { continue }
        #expect(ids.flatMap(golden.tokenizer.bytes(of:)) == Array(example.text.utf8))
      }
    }
  }

  @Test func bytesThatAreNoTextAreReplaced() throws {
    let golden = try GoldenTokenizer("gpt2")
    let bytes: [UInt8] = [0x61, 0xFF, 0xE2, 0x82, 0x62, 0xC0, 0x80, 0xF0, 0x9F]
    var ids: [Int32] = [7]
    bytes.withUnsafeBytes { golden.tokenizer.encode($0, into: &ids) }
    #expect(ids.dropFirst() == golden.tokenizer.encode(String(decoding: bytes, as: UTF8.self))[...])
  }

  @Test func tokensHaveNames() throws {
    let tokenizer = try GoldenTokenizer("roberta").tokenizer
    #expect(tokenizer.vocabulary == 703)
    #expect(tokenizer.token(of: 0) == "<s>" && tokenizer.id(of: "<s>") == 0)
    #expect(tokenizer.token(of: 703) == nil && tokenizer.token(of: -1) == nil)
    #expect(tokenizer.isSpecial(0) && !tokenizer.isSpecial(300))
    #expect(tokenizer.endOfDocument == 2)
    #expect(tokenizer.decode([0, 99_999, 2]) == "")
  }
}
