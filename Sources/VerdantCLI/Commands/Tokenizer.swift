public import ArgumentParser
import Verdant

/// `verdant tokenizer`.
struct TokenizerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenizer",
    abstract: "Train a tokenizer, or use the one of a file tokenizer.json.",
    subcommands: [TrainTokenizer.self, EncodeText.self, DecodeTokens.self])
}

/// `verdant tokenizer train`.
private struct TrainTokenizer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a byte-level byte-pair tokenizer.",
    discussion: """
      The same texts give the same file. Of pairs that appear equally often the one with the \
      lowest ids is merged.
      """)

  @Argument(help: "Text files, folders or .jsonl files.", completion: .file())
  var text: [String]

  @Option(help: ArgumentHelp("Tokens in all, 256 bytes included.", valueName: "count"))
  var vocabulary = 32_000

  @Option(help: ArgumentHelp("A pair that appears less often is not merged.", valueName: "count"))
  var minimumFrequency = 2

  @Option(help: "How texts are cut into words: gpt2 or llama3.")
  var pattern = BytePairTrainer.Pattern.gpt2

  @Option(
    help: ArgumentHelp(
      "A special token; may be repeated (default: <|endoftext|>).",
      valueName: "token"))
  var special: [String] = []

  @Option(help: "The file to write.", completion: .file())
  var out = "tokenizer.json"

  @Flag(help: "Replace a file that is there.")
  var overwrite = false

  @OptionGroup(title: "Output")
  var output: OutputOptions

  func validate() throws {
    guard minimumFrequency > 0 else { throw ValidationError("--minimum-frequency: 1 or more.") }
    guard (257...Limits.standard.vocabulary).contains(vocabulary) else {
      throw ValidationError("--vocabulary: 257 to \(Limits.standard.vocabulary).")
    }
  }

  func run() throws {
    var options = BytePairTrainer.Options(vocabulary: vocabulary)
    options.minimumFrequency = minimumFrequency
    options.pattern = pattern
    if !special.isEmpty { options.specialTokens = special }
    var trainer = try BytePairTrainer(options)
    // Before the long work, so that an output that cannot be made stops it.
    let file = try AtomicFile(out, overwriting: overwrite)
    for document in try TextDocuments(text).documents {
      document.withUnsafeBytes { trainer.add($0) }
    }
    guard trainer.wordCount > 0 else {
      throw DataError(.empty, "there is no text", file: text.first, rule: "at least one word")
    }
    let isQuiet = output.quiet || output.json
    if !isQuiet { Console.error("\(Format.count(trainer.wordCount)) different words") }
    let bytes = trainer.train { count in
      if !isQuiet, count % 10_000 == 0 { Console.error("\(Format.count(count)) tokens") }
    }
    let tokenizer = try PretrainedTokenizer(parsing: bytes, file: out)
    try file.output.write(bytes)
    try file.commit()
    if output.json {
      return try Console.result(
        ["file": .string(out), "vocabulary": .integer(tokenizer.vocabulary)])
    }
    try Console.result("\(out): \(Format.count(tokenizer.vocabulary)) tokens")
  }
}

/// `verdant tokenizer encode`.
private struct EncodeText: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode",
    abstract: "Print the ids of texts, one line a text.",
    discussion: """
      With --json also the tokens, their offsets, counted in Unicode scalars, and what decoding \
      gives.
      """)

  @Argument(help: "A file tokenizer.json.", completion: .file(extensions: ["json"]))
  var file: String

  @Argument(help: "Texts.")
  var text: [String] = []

  @Option(
    help: "A .jsonl file whose texts come after those of the command line.",
    completion: .file(extensions: ["jsonl"]))
  var data: String?

  @Flag(inversion: .prefixedNo, help: "Add special tokens as the file says.")
  var specialTokens = true

  @OptionGroup(title: "Output")
  var output: OutputOptions

  func validate() throws {
    if text.isEmpty, data == nil { throw ValidationError("Texts or --data are needed.") }
  }

  func run() throws {
    let tokenizer = try PretrainedTokenizer(file: file)
    for text in text { try show(text, tokenizer) }
    guard let data else { return }
    let bytes: [UInt8]
    do {
      bytes = try readFile(data, limit: 1 << 32)
    } catch let error as FileError {
      throw DataError(error)
    }
    for (index, line) in bytes.split(separator: 0x0A).enumerated() {
      guard let text = try? JSONValue(parsing: Array(line))["text"]?.stringValue else {
        throw DataError(
          .badLine, "no object with a text", file: data, place: "line \(index + 1)",
          rule: "{\"text\": …}")
      }
      try show(text, tokenizer)
    }
  }

  private func show(_ text: String, _ tokenizer: PretrainedTokenizer) throws {
    let result = tokenizer.tokenize(text, addsSpecialTokens: specialTokens)
    guard output.json else {
      return try Console.result(result.ids.map(String.init).joined(separator: " "))
    }
    try Console.result([
      "ids": .array(result.ids.map { .integer(Int($0)) }),
      "tokens": .array(result.ids.map { .string(tokenizer.token(of: $0) ?? "") }),
      "offsets": .array(
        result.offsets.map { .array([.integer($0.lowerBound), .integer($0.upperBound)]) }),
      "decoded": .string(tokenizer.decode(result.ids, skipsSpecialTokens: false)),
    ])
  }
}

/// `verdant tokenizer decode`.
private struct DecodeTokens: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode", abstract: "Print the text of ids.")

  @Argument(help: "A file tokenizer.json.", completion: .file(extensions: ["json"]))
  var file: String

  @Argument(help: "Ids.")
  var ids: [Int32]

  @Flag(inversion: .prefixedNo, help: "Print special tokens too.")
  var specialTokens = false

  @OptionGroup(title: "Output")
  var output: OutputOptions

  func run() throws {
    let tokenizer = try PretrainedTokenizer(file: file)
    for (index, id) in ids.enumerated() where tokenizer.token(of: id) == nil {
      throw TokenizerError(
        .missingToken, "no token has the id \(id)", file: file, place: "id \(index + 1)",
        rule: "0 to \(tokenizer.vocabulary - 1)")
    }
    let text = tokenizer.decode(ids, skipsSpecialTokens: !specialTokens)
    if output.json { return try Console.result(["text": .string(text)]) }
    try Console.result(text)
  }
}

extension BytePairTrainer.Pattern: ExpressibleByArgument {}
