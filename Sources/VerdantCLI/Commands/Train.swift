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
    try session.train(Trainer(read, ignoresMemory: force)) { try RunFolder(out, $0) }
  }

  private var session: TrainingSession {
    TrainingSession(output: output, tensorboard: tensorboard)
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
    try session.train(
      Trainer(
        stopped.recipe, resuming: stopped.checkpoint, allowsOtherData: allowDataChange,
        ignoresMemory: force)
    ) { try RunFolder(stopped, $0) }
  }
}
