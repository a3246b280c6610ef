public import VerdantBase
public import VerdantCore
public import VerdantNN
import VerdantModels
public import VerdantText

/// What a run will do and take, known from the recipe and the sizes of the files alone.
public struct TrainingPlan: Sendable {
  /// The recipe.
  public let recipe: Recipe
  /// The model.
  public let config: ModelConfig
  /// Numbers in the model's parameters.
  public let parameterCount: Int
  /// Operations for each token.
  public let cost: ModelCost
  /// Optimizer steps.
  public let steps: Int
  /// Tokens of a step.
  public let tokensPerStep: Int
  /// Memory at the peak.
  public let memory: MemoryForecast

  private let dataByteCount: Int
  private let teacher: TeacherPlan?
  private let tokenizer: any Tokenizer

  /// Shapes are counted in whole numbers, which are exact for models up to this many bytes.
  private static let mostBytes = 0x1p40

  /// Plans a run.
  ///
  /// - Parameters:
  ///   - tokenizer: The recipe's, if it was loaded already.
  ///   - classes: Labels of the data; they are not known before it is read.
  /// - Throws: ``ConfigError`` when sizes do not fit each other or are beyond any machine,
  ///   ``DataError`` when a folder of the data cannot be read.
  public init(_ recipe: Recipe, _ tokenizer: (any Tokenizer)? = nil, classes: Int = 2) throws {
    try recipe.check()
    let tokenizer = try tokenizer ?? recipe.data.tokenizer.load()
    self.tokenizer = tokenizer
    let settings = recipe.training
    let config = recipe.modelConfig(tokenizer, classes: classes)
    teacher = try recipe.distillation.teacher.map { path in
      let config = try ModelFolder.config(ModelFolder.resolve(path))
      return TeacherPlan(config: config, settings: recipe.distillation)
    }
    // What fits before the labels are counted may not fit the teacher's classes.
    var paired = config
    paired.classification?.classes = teacher?.config.classification?.classes ?? classes
    if let teacher {
      let shapes = try Transformer(
        teacher.config, random: RandomSource(seed: 0), on: ShapeBackend())
      _ = try Distillation(shapes, teacher.settings, student: paired)
    }
    let need = try MemoryNeed(config)
    let least = max(
      need.training(batch: settings.batch, length: recipe.model.context),
      need.parameters + need.building)
    guard least < Self.mostBytes else {
      try MemoryNeed.check(least, for: "training this model", advice: Self.smaller)
      throw ConfigError(
        .insufficientResources, "training this model needs at least \(byteText(least))",
        rule: "less than \(byteText(Self.mostBytes))", advice: Self.smaller)
    }
    self.recipe = recipe
    self.config = config
    let lengths = recipe.rowLengths
    cost = try ModelCost(
      config, length: lengths.input, targetLength: lengths.target, tokens: recipe.model.context)
    steps = try settings.totalSteps(
      context: recipe.model.context, flopsPerToken: cost.trainingPerToken)
    tokensPerStep = settings.tokensPerStep(context: recipe.model.context)
    dataByteCount = try TextFiles(recipe.data.train + (recipe.data.validation ?? [])).byteCount
    memory = try Self.forecast(recipe, dataByteCount, tokenizer, teacher)
    parameterCount = need.parameterCount
  }

  private static let smaller =
    "make model.layers, model.width, model.context or training.batch smaller"

  private static func forecast(
    _ recipe: Recipe, _ bytes: Int, _ tokenizer: any Tokenizer, _ teacher: TeacherPlan?
  ) throws(ConfigError) -> MemoryForecast {
    var config = recipe.modelConfig(tokenizer)
    config.classification?.classes = teacher?.config.classification?.classes ?? 2
    return try MemoryForecast(
      config, recipe.training, lengths: recipe.rowLengths,
      teacher: teacher.map { ($0.config, $0.settings) }, dataByteCount: bytes,
      tokensAreBytes: tokenizer is ByteTokenizer,
      evaluates: recipe.data.validation != nil || recipe.data.validationFraction > 0)
  }

  /// Throws when the run will not fit, with what would.
  ///
  /// - Parameter limits: What bounds the memory of the process.
  public func checkMemory(_ limits: [MemoryLimit] = MemoryLimit.all) throws(ConfigError) {
    guard let limit = memory.violated(limits) else { return }
    let parts = [
      ("weights", memory.weights), ("gradients", memory.gradients),
      ("optimizer", memory.optimizer), ("activations", memory.activations),
      ("data", memory.data),
    ].map { "\($0) \(byteText($1))" }.joined(separator: ", ")
    throw ConfigError(
      .insufficientResources,
      "training with batch \(recipe.training.batch) needs \(byteText(memory.total)) of memory "
        + "(\(parts))",
      rule: "\(byteText(limit.byteCount + memory.resident)) are there: \(limit.name)",
      advice: try advice(limits) + "; --force tries it all the same")
  }

  /// The largest batch that fits, with as many sequences a step; else the longest context.
  private func advice(_ limits: [MemoryLimit]) throws(ConfigError) -> String {
    var smaller = recipe
    if try Self.forecast(recipe, 0, tokenizer, teacher).violated(limits) == nil {
      return "text and tokens take \(byteText(memory.data)); give less text in data.train"
    }
    let kept = memory.weights + memory.gradients + memory.optimizer
    guard limits.allSatisfy({ kept < $0.byteCount }) else {
      return "weights, gradients and optimizer alone take \(byteText(kept)); "
        + "make model.layers or model.width smaller"
    }
    while smaller.training.batch > 1 {
      smaller.training.batch /= 2
      let sequences = recipe.training.batch * recipe.training.accumulation
      smaller.training.accumulation = sequences / smaller.training.batch
      let need = try Self.forecast(smaller, dataByteCount, tokenizer, teacher)
      if need.violated(limits) == nil {
        return "batch \(smaller.training.batch) needs \(byteText(need.total)): "
          + "--set training.batch=\(smaller.training.batch) "
          + "--set training.accumulation=\(smaller.training.accumulation)"
      }
    }
    while smaller.model.context >= 32 {
      smaller.model.context /= 2
      let need = try Self.forecast(smaller, dataByteCount, tokenizer, teacher)
      if need.violated(limits) == nil {
        return "batch 1 with sequences of \(smaller.model.context) tokens needs "
          + "\(byteText(need.total)): --set training.batch=1 "
          + "--set model.context=\(smaller.model.context)"
      }
    }
    let need = try Self.forecast(smaller, dataByteCount, tokenizer, teacher)
    return "batch 1 with sequences of \(smaller.model.context) tokens still needs "
      + "\(byteText(need.total)); make model.layers or model.width smaller"
  }
}

/// A teacher's shape, and what is learnt from it.
private struct TeacherPlan: Sendable {
  let config: ModelConfig
  let settings: DistillationSettings
}

/// Tokens of a row of the data.
public struct RowLengths: Sendable {
  /// What the model reads, at most.
  public let input: Int
  /// What the decoder of an encoder–decoder reads; nil for one stack.
  public let target: Int?

  /// Lengths of rows.
  public init(input: Int, target: Int? = nil) {
    self.input = input
    self.target = target
  }
}

extension Recipe {
  /// Tokens of a row: of span corruption some stand in the input, the others in the target.
  var rowLengths: RowLengths {
    if data.records == .image { return RowLengths(input: imagePatches.count) }
    guard objectiveKind == .spanCorruption else { return RowLengths(input: model.context) }
    var corruption = SpanCorruption(firstSentinel: 0, sentinelCount: 0, start: 0)
    corruption.density = objective.spanDensity
    corruption.meanSpan = objective.meanSpan
    let (hidden, spans) = corruption.counts(length: model.context)
    return RowLengths(input: model.context - hidden + spans, target: hidden + spans + 1)
  }
}

/// Bytes with three digits at most and a decimal unit.
func byteText(_ bytes: some BinaryInteger) -> String { byteText(Double(bytes)) }

/// Bytes with three digits at most and a decimal unit.
func byteText(_ bytes: Double) -> String {
  let (value, unit) =
    bytes >= 999.5e9
    ? (bytes / 1e12, "TB") : bytes >= 999.5e6 ? (bytes / 1e9, "GB") : (bytes / 1e6, "MB")
  return value < 9.95 ? "\((value * 10).rounded() / 10) \(unit)" : "\(Int(value.rounded())) \(unit)"
}
