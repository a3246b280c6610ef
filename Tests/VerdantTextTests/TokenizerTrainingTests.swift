import Testing
import Verdant

@Suite struct TokenizerTrainingTests {
  private func corpus() throws -> [String] {
    let list = try JSONValue(parsing: GoldenTokenizer.bytes("corpus.json")).arrayValue ?? []
    return list.compactMap(\.stringValue)
  }

  private func train(_ texts: [String], _ options: BytePairTrainer.Options) throws -> JSONValue {
    var trainer = try BytePairTrainer(options)
    for text in texts { Array(text.utf8).withUnsafeBytes { trainer.add($0) } }
    return try JSONValue(parsing: trainer.train())
  }

  /// The same vocabulary and merges as the trainer of the original.
  @Test(arguments: ["gpt2", "llama3"])
  func isTheOriginals(_ name: String) throws {
    let expected = try JSONValue(parsing: GoldenTokenizer.bytes("\(name).json"))
    var options = BytePairTrainer.Options(vocabulary: 700)
    if name == "llama3" {
      options.pattern = .llama3
      options.specialTokens = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"]
    }
    let texts = try corpus()
    let found = try train(texts + texts + texts, options)
    #expect(found["model"]?["vocab"] == expected["model"]?["vocab"])
    #expect(found["model"]?["merges"] == expected["model"]?["merges"])
    #expect(found["model"]?["merges"]?.arrayValue?.count ?? 0 > 400)
  }

  /// The merges of a small text, known from the original.
  @Test func smallText() throws {
    var options = BytePairTrainer.Options(vocabulary: 269)
    options.minimumFrequency = 1
    let texts = Array(repeating: ["aaab", "dc", "ef", "low lower lowest"], count: 3).flatMap { $0 }
    let merges = try train(texts, options)["model"]?["merges"]?.arrayValue?.map {
      $0.arrayValue?.compactMap(\.stringValue).joined(separator: "|") ?? ""
    }
    #expect(
      merges == [
        "l|o", "lo|w", "a|a", "Ġ|low", "Ġlow|e", "a|b", "d|c", "e|f", "s|t", "aa|ab", "Ġlowe|r",
        "Ġlowe|st",
      ])
  }

  @Test func theFileCanBeUsed() throws {
    var options = BytePairTrainer.Options(vocabulary: 400)
    options.specialTokens = ["<|endoftext|>", "\"quoted\"\n"]
    var trainer = try BytePairTrainer(options)
    for text in try corpus() { Array(text.utf8).withUnsafeBytes { trainer.add($0) } }
    let first = trainer.train()
    #expect(first == trainer.train())
    let tokenizer = try PretrainedTokenizer(parsing: first)
    #expect(tokenizer.vocabulary == 400 && tokenizer.endOfDocument == 0)
    #expect(tokenizer.id(of: "\"quoted\"\n") == 1)
    for text in ["", "plain text", "Grüße, 世界 👩‍👩‍👧\r\n\u{0}"] {
      #expect(tokenizer.decode(tokenizer.encode(text)) == text)
    }
    #expect(
      tokenizer.encode("a<|endoftext|>b") == tokenizer.encode("a") + [0] + tokenizer.encode("b"))
  }

  @Test func withoutTextThereAreBytes() throws {
    let trainer = try BytePairTrainer(.init(vocabulary: 300))
    #expect(trainer.wordCount == 0)
    #expect(try PretrainedTokenizer(parsing: trainer.train()).vocabulary == 257)
  }

  @Test func wrongOptionsAreRefused() {
    func message(_ change: (inout BytePairTrainer.Options) -> Void) -> String {
      var options = BytePairTrainer.Options(vocabulary: 300)
      change(&options)
      do {
        _ = try BytePairTrainer(options)
        return "accepted"
      } catch {
        return error.description
      }
    }
    #expect(message { _ in } == "accepted")
    #expect(message { $0.vocabulary = 256 }.contains("a vocabulary of 256 tokens"))
    #expect(message { $0.vocabulary = 1 << 40 }.contains("257 to 4194304"))
    #expect(message { $0.specialTokens = [""] }.contains("1 to 1024 bytes"))
    #expect(message { $0.specialTokens = ["a", "a"] }.contains("each once"))
  }
}
