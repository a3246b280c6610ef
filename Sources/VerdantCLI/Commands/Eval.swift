public import ArgumentParser
import Verdant

/// `verdant eval`.
struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a language model on a text.",
    discussion: """
      Non-overlapping windows of the model's longest sequence; bits per byte = nats of all \
      predictions / (ln 2 · bytes).
      """
  )

  @Argument(help: "A model folder, or the run that made it.", completion: .directory)
  var model: String

  @Option(
    parsing: .upToNextOption, help: "Text files, folders or .jsonl files.",
    completion: .file())
  var data: [String]

  @Option(help: "How bytes are checked: utf-8 or bytes.")
  var encoding: TextEncoding = .utf8

  @Option(help: ArgumentHelp("Windows at once.", valueName: "count"))
  var batch = 16

  @OptionGroup(title: "Output")
  var output: OutputOptions

  @OptionGroup(title: "Runtime")
  var runtime: RuntimeOptions

  func validate() throws {
    guard (1...65536).contains(batch) else { throw ValidationError("--batch: 1 to 65536.") }
  }

  func run() throws {
    runtime.apply()
    let folder = try ModelFolder(modelPath(model))
    let documents = try TextDocuments(data, encoding: encoding)
    let stream = TokenStream(documents.documents, folder.tokenizer)
    let evaluation = try Evaluation(folder.model, stream, batch: batch)
    guard evaluation.loss.isFinite else {
      throw CheckpointError(
        .damaged, "the model's loss is not finite", file: modelPath(model),
        rule: "a usable model gives finite logits", advice: "its training may have diverged")
    }
    if output.json { return try Console.result(.object(evaluation.json)) }
    let lines =
      evaluation.lines + [
        "tokens         \(Format.count(evaluation.tokenCount))",
        "bytes          \(Format.count(evaluation.byteCount))",
        "time           \(Format.duration(evaluation.seconds))",
      ]
    try Console.result(lines.joined(separator: "\n"))
  }
}

extension TextEncoding: ExpressibleByArgument {}
