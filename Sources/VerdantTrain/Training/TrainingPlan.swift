public import VerdantBase
public import VerdantCore
public import VerdantNN
import VerdantText

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

  /// Shapes are counted in whole numbers, which are exact for models up to this many bytes.
  private static let mostBytes = 0x1p40

  /// Plans a run.
  ///
  /// - Throws: ``ConfigError`` when sizes do not fit each other or are beyond any machine,
  ///   ``DataError`` when a folder of the data cannot be read.
  public init(_ recipe: Recipe) throws {
    try recipe.check()
    let settings = recipe.training
    let config = recipe.model.config(vocabulary: ByteTokenizer().vocabulary)
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
    cost = try ModelCost(config)
    steps = try settings.totalSteps(
      context: recipe.model.context, flopsPerToken: cost.trainingPerToken)
    tokensPerStep = settings.tokensPerStep(context: recipe.model.context)
    dataByteCount = try TextFiles(recipe.data.train + (recipe.data.validation ?? [])).byteCount
    memory = try Self.forecast(recipe, dataByteCount)
    parameterCount = need.parameterCount
  }

  private static let smaller =
    "make model.layers, model.width, model.context or training.batch smaller"

  private static func forecast(_ recipe: Recipe, _ bytes: Int) throws(ConfigError)
    -> MemoryForecast
  {
    try MemoryForecast(
      recipe.model.config(vocabulary: ByteTokenizer().vocabulary), recipe.training,
      dataByteCount: bytes,
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
    if try Self.forecast(recipe, 0).violated(limits) == nil {
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
      let need = try Self.forecast(smaller, dataByteCount)
      if need.violated(limits) == nil {
        return "batch \(smaller.training.batch) needs \(byteText(need.total)): "
          + "--set training.batch=\(smaller.training.batch) "
          + "--set training.accumulation=\(smaller.training.accumulation)"
      }
    }
    while smaller.model.context >= 32 {
      smaller.model.context /= 2
      let need = try Self.forecast(smaller, dataByteCount)
      if need.violated(limits) == nil {
        return "batch 1 with sequences of \(smaller.model.context) tokens needs "
          + "\(byteText(need.total)): --set training.batch=1 "
          + "--set model.context=\(smaller.model.context)"
      }
    }
    let need = try Self.forecast(smaller, dataByteCount)
    return "batch 1 with sequences of \(smaller.model.context) tokens still needs "
      + "\(byteText(need.total)); make model.layers or model.width smaller"
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
