import ArgumentParser
import Verdant

/// `verdant finetune`.
struct Finetune: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Go on with a model on other data: all of it, or a low-rank adapter.",
    discussion: """
      The model keeps its shape and its tokenizer. With --records labeled a language model becomes a \
      classifier; else it learns what it learnt before. --lora trains corrections of the maps that \
      --targets match, and the head of a classifier; the rest stays as it is. The run folder is that \
      of verdant train, with the recipe that was made of these options; --set changes any option of \
      it. verdant merge-adapter puts corrections into the weights.
      """
  )

  @Argument(help: "A model folder, or the run that made it.", completion: .directory)
  var model: String

  @Option(
    parsing: .upToNextOption, help: "Training data: files or folders.", completion: .file())
  var data: [String]

  @Option(help: "The run folder; must not exist.", completion: .directory)
  var out: String

  @Option(parsing: .upToNextOption, help: "Data for evaluation.", completion: .file())
  var held: [String] = []

  @Option(help: "What a record is: text, completion, labeled or image.")
  var records: DataSettings.RecordKind = .text

  @Option(
    name: .customLong("field"),
    help: ArgumentHelp(
      "Where a part of a record is: text, second, label, prompt or completion.",
      valueName: "part=name"))
  var fields: [String] = []

  @Option(help: "Optimizer steps.")
  var steps = 300

  @Option(help: "Sequences of a step.")
  var batch = 16

  @Option(help: "Peak learning rate (default: 1e-4, with --lora 1e-3).")
  var learningRate: Double?

  @Option(help: ArgumentHelp("Train corrections of this rank.", valueName: "rank"))
  var lora: Int?

  @Option(help: "Corrections are multiplied by alpha over rank (default: twice the rank).")
  var alpha: Double?

  @Option(
    parsing: .upToNextOption,
    help: "Patterns of the maps that get a correction (default: queries and values).")
  var targets: [String] = ["**.query", "**.value"]

  @Flag(help: "Divide alpha by the root of the rank (rsLoRA).")
  var rankStabilized = false

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Set an option of the recipe.", valueName: "path=value"))
  var overrides: [String] = []

  @Flag(help: "Begin even when the forecast says that memory will not do.")
  var force = false

  @OptionGroup(title: "Output")
  var output: OutputOptions

  @OptionGroup(title: "Runtime")
  var runtime: RuntimeOptions

  func validate() throws {
    guard lora != nil || (alpha == nil && !rankStabilized) else {
      throw ValidationError("--alpha and --rank-stabilized belong to --lora.")
    }
  }

  func run() throws {
    runtime.apply()
    try RunFolder.checkFree(out)
    var recipe = Recipe()
    let base = try ModelFolder.config(modelPath(model))
    recipe.model.from = model
    recipe.model.context = min(base.maximumLength, 512)
    recipe.data.train = data
    recipe.data.validation = held.isEmpty ? nil : held
    recipe.data.records = records
    try recipe.data.fields.set(fields)
    if let pooling = base.classification?.pooling { recipe.objective.pooling = pooling }
    recipe.training.steps = steps
    recipe.training.batch = batch
    recipe.training.learningRate = learningRate ?? (lora == nil ? 1e-4 : 1e-3)
    recipe.training.schedule.warmupSteps = min(100, steps / 10)
    if let lora {
      let options = LoRA.Options(
        rank: lora, alpha: alpha ?? 2 * Double(lora), isRankStabilized: rankStabilized)
      recipe.model.structures = targets.map { StructureRule(match: $0, Spec(LoRA.kind, options)) }
      recipe.training.trainable = ["**.lora*"] + (records == .labeled ? ["classifier.*"] : [])
    }
    // As a recipe that was written by hand, so that every check and --set apply.
    let read = try RecipeFile.parse(RecipeFile.text(recipe), overrides: overrides)
    try TrainingSession(output: output).train(Trainer(read, ignoresMemory: force)) {
      try RunFolder(out, $0)
    }
  }
}

/// `verdant merge-adapter`.
struct MergeAdapter: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put the corrections of a fine-tuned model into its weights.")

  @Argument(help: "A run of verdant finetune --lora, or its model folder.", completion: .directory)
  var model: String

  @Option(help: "The folder to write.", completion: .directory)
  var out: String

  @OptionGroup(title: "Output")
  var output: OutputOptions

  func run() throws {
    let folder = try ModelFolder(modelPath(model))
    let merged = try folder.model.mergingAdapters()
    try ModelFolder.write(
      merged, tokenizer: folder.tokenizer, labels: folder.labels, history: folder.history,
      form: .automatic, origin: folder.origin, to: out)
    if output.json {
      return try Console.result(
        ["model": .string(out), "parameters": .integer(merged.parameterCount)])
    }
    try Console.result("\(out): \(Format.count(merged.parameterCount)) parameters")
  }
}
