import ArgumentParser
import Verdant

/// `verdant convert`.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a model in the form of another library, or in this one's own.",
    discussion: """
      Forms: automatic (a family of the Hugging Face Hub that can express the model, or else \
      verdant), verdant, \(ModelForm.families.joined(separator: ", ")). The tokenizer goes with the \
      model; numbers are not changed, half precision becomes f32.
      """
  )

  @Argument(help: "A model folder, or the run that made it.", completion: .directory)
  var model: String

  @Argument(help: "The folder to write.", completion: .directory)
  var out: String

  @Option(help: ArgumentHelp("The form to write.", valueName: "form"))
  var form = "automatic"

  @Option(help: ArgumentHelp("Megabytes of a file of weights at most.", valueName: "MB"))
  var shard: Int?

  @Flag(help: "Replace the folder when it exists.")
  var overwrite = false

  @OptionGroup(title: "Output")
  var output: OutputOptions

  func validate() throws {
    guard ModelForm(form) != nil else {
      let known = ["automatic", "verdant"] + ModelForm.families
      throw ValidationError("--form \(form): one of \(known.joined(separator: ", ")).")
    }
    if let shard, !(1...1_000_000).contains(shard) {
      throw ValidationError("--shard \(shard): 1 to 1000000.")
    }
  }

  func run() throws {
    let folder = try ModelFolder(modelPath(model))
    try ModelFolder.write(
      folder.model, tokenizer: folder.tokenizer, labels: folder.labels, history: folder.history,
      form: ModelForm(form) ?? .automatic, origin: folder.origin,
      shardBytes: shard.map { $0 * 1_000_000 }, to: out, overwriting: overwrite)
    let (_, report) = try ModelFolder.model(out)
    let written = report.family ?? "verdant"
    if output.json {
      return try Console.result(
        .object([
          "form": .string(written), "tensors": .integer(report.loaded),
          "left_out": .array(folder.report.unused.map { .string($0) }),
          "notices": .array(folder.report.notices.map { .string($0) }),
        ]))
    }
    try Console.result("\(out): \(written), \(report.loaded) tensors")
    guard !output.quiet else { return }
    for notice in folder.report.notices { Console.error(Console.dim(notice)) }
    if !folder.report.unused.isEmpty {
      Console.error(
        Console.dim("left out, as no output depends on them: ")
          + Console.dim(folder.report.unused.joined(separator: ", ")))
    }
  }
}
