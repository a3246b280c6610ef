import ArgumentParser
import Verdant

/// `verdant generate`.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Continue a text, token by token.",
    discussion: """
      Ends at the end of a document or after --tokens. An encoder-decoder reads the prompt, in \
      which <extra_id_0>, <extra_id_1>, … stand for what is missing, and writes what belongs there.
      """
  )

  @Argument(help: "A model folder, or the run that made it.", completion: .directory)
  var model: String

  @Option(help: "The text to continue.")
  var prompt = ""

  @Option(help: ArgumentHelp("Tokens at most.", valueName: "count"))
  var tokens = 256

  @Option(help: "Divides the logits; 0 always takes the likeliest token.")
  var temperature = 0.8

  @Option(help: ArgumentHelp("Only that many likeliest tokens count.", valueName: "count"))
  var topK: Int?

  @Option(help: "Only the likeliest tokens that reach this probability count.")
  var topP = 1.0

  @Option(help: "Seed of the choices.")
  var seed: UInt64 = 0

  @Flag(help: "Always take the likeliest token.")
  var greedy = false

  @OptionGroup(title: "Output")
  var output: OutputOptions

  @OptionGroup(title: "Runtime")
  var runtime: RuntimeOptions

  func validate() throws {
    guard (0...10_000_000).contains(tokens) else {
      throw ValidationError("--tokens \(tokens): 0 to 10000000.")
    }
    guard temperature.isFinite, (0...100).contains(temperature) else {
      throw ValidationError("--temperature \(temperature): 0 to 100.")
    }
    guard topP.isFinite, topP > 0, topP <= 1 else {
      throw ValidationError("--top-p \(topP): above 0, at most 1.")
    }
    if let topK, topK < 1 { throw ValidationError("--top-k \(topK): at least 1.") }
  }

  func run() throws {
    runtime.apply()
    let folder = try ModelFolder(modelPath(model))
    let sampler =
      greedy
      ? .greedy : Sampler(temperature: temperature, topK: topK, topP: topP, seed: seed)
    let began = monotonicSeconds()
    var generator = try TextGenerator(
      folder.model, folder.tokenizer, prompt: prompt, sampler)
    let read = monotonicSeconds()
    var stream = TextStream()
    var text = ""
    var count = 0
    let continues = folder.model.config.objective == .causalLanguageModel
    if !output.json && continues { try Console.result(prompt, terminator: "") }
    while count < tokens, let id = try generator.next() {
      count += 1
      let piece = stream.append(generator.bytes(of: id))
      text += piece
      if !output.json { try Console.result(piece, terminator: "") }
    }
    let rest = stream.finish()
    let seconds = monotonicSeconds() - read
    if output.json {
      return try Console.result(
        .object([
          "prompt": .string(prompt), "text": .string(text + rest), "tokens": .integer(count),
          "prompt_seconds": .number(read - began),
          "tokens_per_s": .number(count == 0 ? 0 : Double(count) / seconds),
        ]))
    }
    try Console.result(rest)
    if !output.quiet {
      Console.error(
        Console.dim("\(count) tokens, \(Format.count(Int(Double(count) / seconds))) tokens/s"))
    }
  }
}
