import ArgumentParser
import Verdant

/// `verdant train`.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a model by a recipe.",
    discussion: """
      The run folder receives recipe.yaml (every setting), run.json (origin and result), \
      metrics.jsonl (one line an event), checkpoints/ and model/. Interrupting once ends the run \
      after the step and saves a checkpoint and the model; --resume goes on from the newest valid \
      checkpoint, to the same bits as without the interruption. SIGUSR1 saves a checkpoint and \
      goes on. The memory of the run is forecast before its first step; a run that will not fit \
      is refused at once, with what would fit.
      """
  )

  @Argument(
    help: "A recipe (YAML). Not with --resume.", completion: .file(extensions: ["yaml", "yml"]))
  var recipe: String?

  @Option(
    help: "The run folder; must not exist. Not needed with --dry-run.", completion: .directory)
  var out: String?

  @Option(
    help: ArgumentHelp("Go on with the run of this folder.", valueName: "run"),
    completion: .directory)
  var resume: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Set an option of the recipe.", valueName: "path=value"))
  var overrides: [String] = []

  @Flag(help: "Print parameters, operations, steps and the memory forecast, and do nothing.")
  var dryRun = false

  @Flag(help: "Write event files for TensorBoard to the folder tensorboard of the run.")
  var tensorboard = false

  @Flag(help: "Resume with another training text than the checkpoint's.")
  var allowDataChange = false

  @Flag(help: "Begin even when the forecast says that memory will not do.")
  var force = false

  @Flag(
    help: "Ask for the same bits with any number of threads; they are the same without it, too.")
  var deterministic = false

  @OptionGroup(title: "Output")
  var output: OutputOptions

  @OptionGroup(title: "Runtime")
  var runtime: RuntimeOptions

  func validate() throws {
    if resume != nil {
      guard recipe == nil && out == nil else {
        throw ValidationError("--resume takes recipe and folder from the run; leave both out.")
      }
      return
    }
    guard recipe != nil else { throw ValidationError("A recipe is needed, or --resume.") }
    guard out != nil || dryRun else { throw ValidationError("--out names the run folder.") }
  }

  func run() throws {
    runtime.apply()
    if let resume { return try goOn(with: resume) }
    guard let recipe else { throw ValidationError("A recipe is needed, or --resume.") }
    if let out { try RunFolder.checkFree(out) }
    let read = try RecipeFile.read(recipe, overrides: overrides)
    guard let out, !dryRun else { return try TrainingPlan(read).show(asJSON: output.json) }
    try train(Trainer(read, ignoresMemory: force)) { try RunFolder(out, $0) }
  }

  private func goOn(with path: String) throws {
    if dryRun {
      let recipe = try RecipeFile.read(path + "/recipe.yaml", overrides: overrides)
      return try TrainingPlan(recipe).show(asJSON: output.json)
    }
    let stopped = try StoppedRun(path, overrides: overrides)
    for error in stopped.passedOver {
      Console.error("passed over: \(error.problems[0].description)")
    }
    if !output.quiet { Console.error("going on after step \(stopped.checkpoint.step)") }
    try train(
      Trainer(
        stopped.recipe, resuming: stopped.checkpoint, allowsOtherData: allowDataChange,
        ignoresMemory: force)
    ) { try RunFolder(stopped, $0) }
  }

  /// The caller keeps no copy of the trainer: with two owners the first step would copy every
  /// parameter.
  private func train(
    _ trainer: consuming Trainer, _ makeFolder: (borrowing Trainer) throws -> RunFolder
  ) throws {
    let folder = try makeFolder(trainer)
    let settings = trainer.recipe.training
    if settings.usedPrecision != settings.precision {
      Console.error("this machine has no bf16 products: training in f32")
    }
    var progress = Progress(quiet: output.quiet, firstStep: trainer.step)
    var steps = trainer.step
    let board = tensorboard ? try TensorBoardFile(in: folder.path + "/tensorboard") : nil
    Interruption.listen()
    let result: TrainResult
    do {
      result = try trainer.run { event in
        if case .step(let record) = event { steps = record.step }
        progress.show(event)
        try folder.record(event)
        try board?.record(event)
        if Interruption.code != nil { return .stop }
        switch event {
        case .step, .skipped: return Interruption.takeSaveRequest() ? .save : .proceed
        default: return .proceed
        }
      } save: { snapshot in
        try folder.save(snapshot, mayFail: Interruption.code == nil) { error in
          progress.close()
          Console.error("no checkpoint after step \(snapshot.step): \(error)")
        }
      } restore: { step in
        folder.checkpoint(upTo: step)
      } saveFinal: { model, step in
        try folder.saveFinal(model, step: step)
      } isStopped: {
        Interruption.code != nil
      }
    } catch {
      progress.close()
      // What went wrong first is what the user must see.
      try? folder.fail(error)
      if error is TrainingError { keepLastGood(trainer, folder, after: steps) }
      throw error
    }
    progress.close()
    try folder.finish(trainer.model, result)
    try report(result, trainer.start.memory, folder.path)
    if let code = Interruption.code {
      Console.error(
        "stopped after step \(result.steps); go on with: verdant train --resume \(folder.path)")
      leave(code)
    }
  }

  /// The weights before the step that diverged, unless they are beyond use themselves.
  private func keepLastGood(_ trainer: Trainer, _ folder: RunFolder, after steps: Int) {
    let isFinite = trainer.model.parameters.allSatisfy { _, parameter in
      sumOfSquares(parameter.value).isFinite
    }
    guard steps > 0, isFinite, let path = try? folder.save(trainer.snapshot) else { return }
    Console.error("the weights after step \(steps) are saved in \(path)")
  }

  private func report(_ result: TrainResult, _ memory: MemoryForecast, _ out: String) throws {
    if output.json {
      var object = result.json
      object["model"] = .string(out + "/model")
      for (key, value) in memory.json { object[key] = value }
      return try Console.result(.object(object))
    }
    var lines = ["model          \(out)/model"]
    if result.endedEarly {
      lines.append("ended early    after step \(result.steps): no lower validation loss")
    }
    // A run that had all its steps already has no loss of a last one.
    if result.loss.isFinite { lines.append("loss           \(Format.fixed(result.loss, 4))") }
    if let evaluation = result.evaluation { lines += evaluation.lines }
    lines.append("tokens         \(Format.count(result.tokens))")
    if result.tokensPerSecond.isFinite {
      lines.append("tokens/s       \(Format.count(Int(result.tokensPerSecond)))")
    }
    lines += [
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
    if let accuracy {
      return [
        "validation     \(Format.fixed(loss, 4)) nats a record",
        "accuracy       \(Format.fixed(100 * accuracy, 2)) % of \(Format.count(tokenCount))",
      ]
    }
    let first =
      "validation     \(Format.fixed(loss, 4)) nats a token, perplexity "
      + "\(Format.fixed(perplexity, 3))"
    return byteCount == 0 ? [first] : [first, "bits per byte  \(Format.fixed(bitsPerByte, 4))"]
  }
}
