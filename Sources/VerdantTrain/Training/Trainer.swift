import VerdantBase
import VerdantCore
public import VerdantNN
public import VerdantText

/// Trains a model by a recipe: one loop of batch, gradients, clipping and update. Methods are
/// parts, observers, data sources or callers; none has a loop of its own.
public struct Trainer {
  /// The recipe.
  public let recipe: Recipe
  /// The tokenizer.
  public let tokenizer: any Tokenizer = ByteTokenizer()
  /// The model; changed by ``run(_:save:)``.
  public private(set) var model: Transformer
  /// The training text.
  public var training: any TokenSequence { data.training }
  /// The validation text; nil when there is none.
  public var validation: (any TokenSequence)? { data.validation }
  /// The files of the text; their content is in the tokens alone.
  public var documents: TextDocuments { data.documents }
  /// Sizes of the run.
  public let start: TrainingStart

  private let data: TrainingData
  private let random: RandomSource
  private let work: StepWork
  private var optimizer: any Optimizer

  /// Reads the data and builds the model.
  ///
  /// - Parameter ignoresMemory: Begins even when the forecast says that memory will not do.
  /// - Throws: ``ConfigError`` when sizes do not fit each other or the memory, ``DataError`` when
  ///   the data cannot be used.
  public init(_ recipe: Recipe, ignoresMemory: Bool = false) throws {
    let plan = try TrainingPlan(recipe)
    if !ignoresMemory { try plan.checkMemory() }
    self.recipe = recipe
    random = RandomSource(seed: UInt64(recipe.training.seed))
    data = try TrainingData(recipe, tokenizer, random)
    model = try Transformer(plan.config, random: random.stream("initial weights"))
    optimizer = try recipe.training.makeOptimizer()
    work = StepWork(settings: recipe.training, steps: plan.steps, random: random)
    start = TrainingStart(
      parameterCount: model.parameterCount,
      trainingFlopsPerToken: plan.cost.trainingPerToken,
      forwardFlopsPerToken: plan.cost.forwardPerToken,
      steps: plan.steps,
      tokensPerStep: plan.tokensPerStep,
      trainingTokens: data.training.count,
      validationTokens: data.validation?.count ?? 0,
      skippedFiles: data.documents.skippedFiles.count,
      skippedRecords: data.documents.badLines.count,
      memory: plan.memory
    )
  }

  /// Trains from the first step to the last.
  ///
  /// - Parameters:
  ///   - observe: Sees each event; may stop the run.
  ///   - save: Saves the model at the steps that the recipe asks for, and says where.
  ///   - saveFinal: Saves the model after the last step, before the last evaluation.
  /// - Throws: ``TrainingError`` when loss or gradients are not finite, before they reach the
  ///   weights, and what the closures throw.
  public mutating func run(
    _ observe: (TrainEvent) throws -> TrainDecision,
    save: (Transformer, Int) throws -> String? = { _, _ in nil },
    saveFinal: (Transformer, Int) throws -> Void = { _, _ in }
  ) throws -> TrainResult {
    var stops = try observe(.started(start)) == .stop
    var record: StepRecord?
    var rates: [Double] = []
    var trainingSeconds = 0.0
    var evaluation: Evaluation?
    let began = monotonicSeconds()
    var step = 0
    while step < start.steps && !stops {
      step += 1
      let stepBegan = monotonicSeconds()
      let (loss, norm, rate) = try advance(step)
      let seconds = monotonicSeconds() - stepBegan
      trainingSeconds += seconds
      rates.append(Double(start.tokensPerStep) / seconds)
      let now = StepRecord(
        step: step, loss: loss, gradientNorm: norm, learningRate: rate,
        tokens: step * start.tokensPerStep,
        epoch: Double(step * recipe.training.batch * recipe.training.accumulation)
          / Double(data.source.sampleCount),
        tokensPerSecond: rates[rates.count - 1], elapsed: monotonicSeconds() - began,
        residentByteCount: Compute.residentByteCount)
      record = now
      stops = try observe(.step(now)) == .stop
      let every = recipe.evaluation.every
      if every > 0, step % every == 0, step < start.steps,
        let result = try evaluate(limit: recipe.evaluation.windows)
      {
        stops = try observe(.evaluated(result, step: step)) == .stop || stops
      }
      let saves = recipe.checkpoint.every
      if saves > 0, step % saves == 0, step < start.steps, let path = try save(model, step) {
        stops = try observe(.saved(path: path, step: step)) == .stop || stops
      }
    }
    try saveFinal(model, step)
    if !stops || step == start.steps, let result = try evaluate(limit: nil) {
      evaluation = result
      _ = try observe(.evaluated(result, step: step))
    }
    return TrainResult(
      steps: step, wasStopped: step < start.steps, loss: record?.loss ?? .nan,
      evaluation: evaluation, tokens: step * start.tokensPerStep,
      trainingSeconds: trainingSeconds,
      tokensPerSecond: median(rates.count > 4 ? Array(rates.dropFirst(2)) : rates))
  }

  private func evaluate(limit: Int?) throws -> Evaluation? {
    try data.evaluate(model, batch: recipe.training.batch, limit: limit)
  }

  /// One optimizer step, from 1: micro-batches, clipping, update.
  private mutating func advance(_ step: Int) throws -> (
    loss: Double, norm: Double, rate: Double
  ) {
    let count = recipe.training.batch
    let found = try work.run(step, &model, &optimizer) { [data] number in
      try data.source.batch(from: number * count, count: count)
    } check: { found in
      guard found.loss.isFinite && found.norm.isFinite else {
        throw TrainingError.diverged(step: step, loss: found.loss, norm: found.norm)
      }
    }
    return (found.loss, found.norm, found.rate)
  }
}

/// The middle of a list; NaN for an empty one.
public func median(_ values: [Double]) -> Double {
  guard !values.isEmpty else { return .nan }
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
