import ArgumentParser
import Verdant

/// `verdant classify`.
struct Classify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Give texts their classes.",
    discussion: """
      Texts are the arguments, or the lines of the standard input without one. Each gives a line: \
      the label, a tab, its probability; with --json an object with every probability. A model of \
      pairs takes --second, or a tab between the two texts of a line.
      """
  )

  @Argument(help: "The folder of a classifier, or the run that made it.", completion: .directory)
  var model: String

  @Argument(help: "Texts; without one the lines of the standard input.")
  var texts: [String] = []

  @Option(help: "The second text, for a model of pairs and one text.")
  var second: String?

  @Option(help: ArgumentHelp("Texts at once.", valueName: "count"))
  var batch = 32

  @OptionGroup(title: "Output")
  var output: OutputOptions

  @OptionGroup(title: "Runtime")
  var runtime: RuntimeOptions

  func validate() throws {
    guard (1...65536).contains(batch) else { throw ValidationError("--batch: 1 to 65536.") }
    guard second == nil || texts.count == 1 else {
      throw ValidationError("--second belongs to one text.")
    }
  }

  func run() throws {
    runtime.apply()
    let classifier = try TextClassifier(ModelFolder(modelPath(model)))
    guard second == nil || classifier.readsPairs else {
      throw ValidationError("--second: this model reads single texts.")
    }
    if !texts.isEmpty {
      return try show(texts.map { input($0, classifier) }, classifier)
    }
    var lines: [TextClassifier.Input] = []
    while let line = readLine() {
      lines.append(input(line, classifier))
      // Answers come while the input goes on.
      guard lines.count == batch * 8 else { continue }
      try show(lines, classifier)
      lines = []
    }
    try show(lines, classifier)
  }

  private func input(_ line: String, _ classifier: TextClassifier) -> TextClassifier.Input {
    guard classifier.readsPairs else { return TextClassifier.Input(line.utf8) }
    if let second { return TextClassifier.Input(line.utf8, second: second.utf8) }
    let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count > 1 || classifier.needsPairs else {
      return TextClassifier.Input(parts[0].utf8)
    }
    return TextClassifier.Input(parts[0].utf8, second: (parts.count > 1 ? parts[1] : "").utf8)
  }

  private func show(_ inputs: [TextClassifier.Input], _ classifier: TextClassifier) throws {
    for row in classifier.probabilities(inputs, batch: batch) {
      guard let best = row.indices.max(by: { row[$0] < row[$1] }), row[best].isFinite else {
        throw CheckpointError(
          .damaged, "the model's probabilities are not finite", file: modelPath(model),
          rule: "a usable model gives finite logits", advice: "its training may have diverged")
      }
      guard output.json else {
        try Console.result("\(classifier.labels[best])\t\(Format.fixed(row[best], 4))")
        continue
      }
      var all = JSONObject()
      for (label, value) in zip(classifier.labels, row) { all[label] = .number(value) }
      try Console.result(
        .object(["label": .string(classifier.labels[best]), "probabilities": .object(all)]))
    }
  }
}
