import ArgumentParser
import Verdant

/// `verdant train`.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a model by a recipe.",
    discussion: """
      The run folder receives recipe.yaml (every setting), run.json (origin and result), \
      metrics.jsonl (one line an event) and model/. Interrupting once ends the run after the \
      step and saves the model. The memory of the run is forecast before its first step; a run \
      that will not fit is refused at once, with what would fit.
      """
  )

  @Argument(help: "A recipe (YAML).", completion: .file(extensions: ["yaml", "yml"]))
  var recipe: String

  @Option(
    help: "The run folder; must not exist. Not needed with --dry-run.", completion: .directory)
  var out: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Set an option of the recipe.", valueName: "path=value"))
  var overrides: [String] = []

  @Flag(help: "Print parameters, operations, steps and the memory forecast, and do nothing.")
  var dryRun = false

  @Flag(help: "Begin even when the forecast says that memory will not do.")
  var force = false

  @OptionGroup(title: "Output")
  var output: OutputOptions

  @OptionGroup(title: "Runtime")
  var runtime: RuntimeOptions

  func validate() throws {
    guard out != nil || dryRun else { throw ValidationError("--out names the run folder.") }
  }

  func run() throws {
    runtime.apply()
    if let out { try RunFolder.checkFree(out) }
    let recipe = try RecipeFile.read(recipe, overrides: overrides)
    guard let out, !dryRun else { return try TrainingPlan(recipe).show(asJSON: output.json) }
    var trainer = try Trainer(recipe, ignoresMemory: force)
    let settings = trainer.recipe.training
    if settings.usedPrecision != settings.precision {
      Console.error("this machine has no bf16 products: training in f32")
    }
    let folder = try RunFolder(out, trainer)
    var progress = Progress(quiet: output.quiet)
    var steps = 0
    Interruption.listen()
    let result: TrainResult
    do {
      result = try trainer.run { event in
        if case .step(let record) = event { steps = record.step }
        progress.show(event)
        try folder.record(event)
        return Interruption.code == nil ? .proceed : .stop
      } save: { model, step in
        try folder.save(model, step: step)
      } saveFinal: { model, step in
        try folder.saveFinal(model, step: step)
      }
    } catch {
      progress.close()
      // What went wrong first is what the user must see.
      try? folder.fail(error)
      if error is TrainingError { keepLastGood(trainer.model, folder, after: steps) }
      throw error
    }
    progress.close()
    try folder.finish(trainer.model, result)
    try report(result, trainer.start.memory, out)
    if let code = Interruption.code {
      Console.error("stopped after step \(result.steps); the model is saved in \(out)/model")
      leave(code)
    }
  }

  /// The weights before the step that diverged, unless they are beyond use themselves.
  private func keepLastGood(_ model: Transformer, _ folder: RunFolder, after steps: Int) {
    let isFinite = model.parameters.allSatisfy { _, parameter in
      sumOfSquares(parameter.value).isFinite
    }
    guard steps > 0, isFinite, let path = try? folder.save(model, step: steps) else { return }
    Console.error("the weights after step \(steps) are saved in \(path)")
  }

  private func report(_ result: TrainResult, _ memory: MemoryForecast, _ out: String) throws {
    if output.json {
      var object = result.json
      object["model"] = .string(out + "/model")
      for (key, value) in memory.json { object[key] = value }
      return try Console.result(.object(object))
    }
    var lines = ["model          \(out)/model", "loss           \(Format.fixed(result.loss, 4))"]
    if let evaluation = result.evaluation { lines += evaluation.lines }
    lines += [
      "tokens         \(Format.count(result.tokens))",
      "tokens/s       \(Format.count(Int(result.tokensPerSecond)))",
      "training time  \(Format.duration(result.trainingSeconds))",
      "peak memory    \(Format.bytes(Compute.peakResidentByteCount)), "
        + "\(Format.bytes(memory.total)) forecast",
    ]
    try Console.result(lines.joined(separator: "\n"))
  }
}

extension Evaluation {
  /// The figures for people.
  var lines: [String] {
    [
      "validation     \(Format.fixed(loss, 4)) nats a token, perplexity "
        + "\(Format.fixed(perplexity, 3))",
      "bits per byte  \(Format.fixed(bitsPerByte, 4))",
    ]
  }
}
