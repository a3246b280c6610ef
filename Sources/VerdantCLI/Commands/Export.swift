public import ArgumentParser
public import Verdant

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

extension ExportFormat: ExpressibleByArgument {}
extension ExportNumbers: ExpressibleByArgument {}

/// `verdant export`.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a model for other programs.",
    discussion: """
      gguf: decoders of the shape of Llama or GPT-2, for llama.cpp. onnx: every model, for ONNX \
      Runtime, without a cache. safetensors: the tensors alone. What a format cannot express is an \
      error that names the option.
      """
  )

  @Argument(help: "A model folder, or the run that made it.", completion: .directory)
  var model: String

  @Option(help: "The format.")
  var format: ExportFormat

  @Option(help: "The numbers of matrices; onnx has f32, safetensors f32 and f16.")
  var type = ExportNumbers.f32

  @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
  var out: String

  @Option(
    help: ArgumentHelp(
      "Also write inputs and this program's outputs for them, as safetensors.", valueName: "file"))
  var example: String?

  @Flag(help: "Replace files that exist.")
  var overwrite = false

  @OptionGroup(title: "Output")
  var output: OutputOptions

  @OptionGroup(title: "Runtime")
  var runtime: RuntimeOptions

  func validate() throws {
    guard format.numbers.contains(type) else {
      let right = format.numbers.map(\.rawValue).joined(separator: ", ")
      throw ValidationError(
        "--type \(type.rawValue): the format \(format.rawValue) has \(right).")
    }
    guard example != out else { throw ValidationError("--example and --out are two files.") }
  }

  func run() throws {
    runtime.apply()
    let path = modelPath(model)
    for output in [out] + (example.map { [$0] } ?? []) where liesInside(path, output) {
      throw ConfigError(
        .usage, "the output lies in the model's own folder", file: output,
        rule: "inputs stay as they are",
        advice: "choose a path elsewhere")
    }
    let folder = try ModelFolder(path)
    let report = try ModelExport(folder.model, tokenizer: folder.tokenizer)
      .write(format, numbers: type, to: out, overwriting: overwrite)
    if let example {
      try ExportExample.write(folder.model, to: example, overwriting: overwrite)
    }
    if output.json {
      return try Console.result(
        .object([
          "file": .string(out), "format": .string(format.rawValue), "type": .string(type.rawValue),
          "bytes": .integer(report.byteCount), "tensors": .integer(report.tensorCount),
          "notes": .array(report.notes.map { .string($0) }),
        ]))
    }
    if !output.quiet { for note in report.notes { Console.error("note: \(note)") } }
    try Console.result(
      "\(escaped(out)): \(report.tensorCount) tensors, \(Format.bytes(report.byteCount))")
  }
}

/// Whether a file would stand in a folder itself.
private func liesInside(_ folder: String, _ file: String) -> Bool {
  func resolved(_ path: String) -> String? {
    guard let text = realpath(path, nil) else { return nil }
    defer { free(text) }
    return String(cString: text)
  }
  let parent = file.lastIndex(of: "/").map { String(file[...$0]) } ?? "."
  guard let folder = resolved(folder), let parent = resolved(parent) else { return false }
  return folder == parent
}
