import ArgumentParser
import Verdant

/// `verdant embed`.
struct Embed: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turn texts into vectors, or find the texts that are most like another.",
    discussion: """
      Texts are the arguments, the lines of --input, or those of the standard input. Each gives a \
      line of JSON with the text and its vector; --out writes them to a file, as JSON lines or, \
      with the ending .npy, as an array for NumPy. --query gives instead the texts most like it, \
      with the cosine of their vectors. How vectors are made is what the model's modules.json says.
      """
  )

  @Argument(help: "A model folder, or the run that made it.", completion: .directory)
  var model: String

  @Argument(help: "Texts.")
  var texts: [String] = []

  @Option(help: "A file with a text in each line.", completion: .file())
  var input: String?

  @Option(help: "A new file for the vectors: .jsonl or .npy.", completion: .file())
  var out: String?

  @Option(help: "Show the texts that are most like this one.")
  var query: String?

  @Option(help: ArgumentHelp("Texts to show for --query.", valueName: "count"))
  var top = 10

  @Flag(
    inversion: .prefixedNo, help: "Divide vectors by their length; as the model says by default.")
  var normalize: Bool?

  @Option(help: ArgumentHelp("Texts at once.", valueName: "count"))
  var batch = 32

  @OptionGroup(title: "Output")
  var output: OutputOptions

  @OptionGroup(title: "Runtime")
  var runtime: RuntimeOptions

  /// Bytes of a file of texts at most.
  private static let mostBytes = 1 << 30

  func validate() throws {
    guard (1...65536).contains(batch) else { throw ValidationError("--batch: 1 to 65536.") }
    guard (1...1_000_000).contains(top) else { throw ValidationError("--top: 1 to 1000000.") }
    guard texts.isEmpty || input == nil else {
      throw ValidationError("--input takes the place of texts in the command.")
    }
    guard out == nil || query == nil else {
      throw ValidationError("--query shows texts; it has no vectors for --out.")
    }
    if let out, !out.hasSuffix(".npy"), !out.hasSuffix(".jsonl") {
      throw ValidationError("--out: a name that ends with .npy or .jsonl.")
    }
  }

  func run() throws {
    runtime.apply()
    var encoder = try SentenceEncoder(modelPath(model))
    if let normalize { encoder.normalizes = normalize }
    let texts = try readTexts()
    if let query { return try search(query, texts, encoder) }
    if let out { return try write(texts, encoder, to: out) }
    // Answers come while the rest is computed.
    for start in stride(from: 0, to: texts.count, by: batch * 8) {
      let some = Array(texts[start..<min(texts.count, start + batch * 8)])
      for (text, vector) in zip(some, try vectors(some, encoder)) {
        try Console.result(line(text, vector))
      }
    }
  }

  private func readTexts() throws -> [String] {
    if !texts.isEmpty { return texts }
    guard let input else {
      var lines: [String] = []
      while let line = readLine() { lines.append(line) }
      return lines
    }
    let bytes = try readFile(input, limit: Self.mostBytes)
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { line in
      String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self)
    }
  }

  private func line(_ text: String, _ vector: [Float]) -> JSONValue {
    ["text": .string(text), "embedding": .array(vector.map { .number(Double($0)) })]
  }

  private func vectors(_ texts: [String], _ encoder: SentenceEncoder) throws -> [[Float]] {
    let vectors = encoder.embed(texts, batch: batch)
    guard vectors.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
      throw CheckpointError(
        .damaged, "the model's vectors are not finite", file: modelPath(model),
        rule: "a usable model gives finite vectors", advice: "its training may have diverged")
    }
    return vectors
  }

  private func write(_ texts: [String], _ encoder: SentenceEncoder, to path: String) throws {
    let vectors = try vectors(texts, encoder)
    let file = try AtomicFile(path)
    if path.hasSuffix(".npy") {
      try file.output.write(NumPyArray.header(rows: texts.count, columns: encoder.width))
      for vector in vectors { try file.output.write(NumPyArray.bytes(of: vector)) }
    } else {
      for (text, vector) in zip(texts, vectors) {
        try file.output.write(Array(try line(text, vector).serialized().utf8) + [10])
      }
    }
    try file.commit()
    if !output.quiet {
      Console.error(
        Console.dim("\(Format.count(texts.count)) vectors of \(encoder.width) numbers in \(path)"))
    }
  }

  private func search(_ query: String, _ texts: [String], _ encoder: SentenceEncoder) throws {
    var unit = encoder
    unit.normalizes = true
    let all = try vectors([query] + texts, unit)
    let scores = all.dropFirst().map { vector in
      zip(all[0], vector).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    }
    let best = scores.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }.prefix(top)
    for index in best {
      if output.json {
        try Console.result(
          .object([
            "score": .number(scores[index]), "line": .integer(index + 1),
            "text": .string(texts[index]),
          ]))
      } else {
        try Console.result("\(Format.fixed(scores[index], 4))\t\(texts[index])")
      }
    }
  }
}
