public import ArgumentParser
import Verdant

/// `verdant eval`.
struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a language model on a text, or a classifier on labeled records.",
    discussion: """
      Language models: non-overlapping windows of the model's longest sequence; bits per byte = \
      nats of all predictions / (ln 2 · bytes). With --records completion the loss is that of \
      completions after their prompts. Masked models and encoder-decoders: one masking of each \
      window, by --seed. Classifiers: records with a label, loss and accuracy.
      """
  )

  @Argument(help: "A model folder, or the run that made it.", completion: .directory)
  var model: String

  @Option(
    parsing: .upToNextOption,
    help: "Files or folders: text, .jsonl; for completions and labels also .csv and .tsv.",
    completion: .file())
  var data: [String]

  @Option(help: "How bytes are checked: utf-8 or bytes.")
  var encoding: TextEncoding = .utf8

  @Option(help: "What a record is: text or completion. Classifiers read labeled ones.")
  var records: DataSettings.RecordKind?

  @Option(help: "How files are read: auto, text, jsonl, csv or tsv.")
  var format: RecordFormat = .auto

  @Option(
    name: .customLong("field"),
    help: ArgumentHelp(
      "Where a part of a record is: text, second, label, prompt or completion.",
      valueName: "part=name"))
  var fields: [String] = []

  @Option(help: "What a record that cannot be used does: stop or skip.")
  var onBadLine: BadLinePolicy = .stop

  @Option(help: "Seed of the masks of masked models.")
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Windows or records at once.", valueName: "count"))
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
    var options = RecordOptions()
    options.encoding = encoding
    options.format = format
    options.onBadLine = onBadLine
    try options.fields.set(fields)
    let evaluation = try Evaluation(
      folder, data, records: records, options, batch: batch, seed: seed)
    guard evaluation.loss.isFinite else {
      throw CheckpointError(
        .damaged, "the model's loss is not finite", file: modelPath(model),
        rule: "a usable model gives finite logits", advice: "its training may have diverged")
    }
    if output.json { return try Console.result(.object(evaluation.json)) }
    let isClassifier = evaluation.accuracy != nil
    let lines =
      evaluation.lines + [
        "\(isClassifier ? "records " : "tokens  ")       \(Format.count(evaluation.tokenCount))"
      ]
      + (evaluation.byteCount > 0
        ? ["bytes          \(Format.count(evaluation.byteCount))"] : [])
      + ["time           \(Format.duration(evaluation.seconds))"]
    try Console.result(lines.joined(separator: "\n"))
  }
}

extension TextEncoding: ExpressibleByArgument {}
extension RecordFormat: ExpressibleByArgument {}
extension BadLinePolicy: ExpressibleByArgument {}
extension DataSettings.RecordKind: ExpressibleByArgument {}

extension RecordFields {
  /// Sets parts by `part=name`.
  mutating func set(_ pairs: [String]) throws {
    for pair in pairs {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      let known = RecordFields.knobs.map(\.name)
      guard parts.count == 2, known.contains(parts[0]) else {
        throw ValidationError(
          "--field \(pair): part=name, part one of \(known.joined(separator: ", ")).")
      }
      var reader = SettingsReader()
      update(from: [parts[0]: .string(parts[1])], at: "", &reader)
      try reader.finish()
    }
  }
}
