import VerdantBase
import VerdantCore
import VerdantModels
public import VerdantNN
public import VerdantText

/// Trains a model by a recipe: one loop of batch, gradients, clipping and update. Methods are
/// parts, observers, data sources or callers; none has a loop of its own.
public struct Trainer {
  /// The recipe.
  public let recipe: Recipe
  /// The tokenizer.
  public let tokenizer: any Tokenizer
  /// The model; changed by ``run(_:save:restore:saveFinal:isStopped:)``.
  public private(set) var model: Transformer
  /// The training data as tokens.
  public var training: any TokenSequence { data.training }
  /// The validation data as tokens; nil when there are none.
  public var validation: (any TokenSequence)? { data.validation }
  /// The names of a classifier's classes; nil for language models.
  public let labels: [String]?
  /// The files of the text; their content is in the tokens alone.
  public var documents: TextDocuments { data.documents }
  /// Sizes of the run.
  public let start: TrainingStart
  /// Tells whether two runs read the same text; no protection.
  public let dataFingerprint: String

  private let data: TrainingData
  private let random: RandomSource
  private let work: StepWork
  private var optimizer: any Optimizer
  private var watch = StepWatch()
  private var evaluation: Evaluation?
  private var owesEvaluation = false
  /// Steps done.
  public private(set) var step = 0

  /// Reads the data and builds the model, or takes it from a checkpoint.
  ///
  /// - Parameters:
  ///   - checkpoint: Where a stopped run goes on.
  ///   - allowsOtherData: Goes on with another text than the checkpoint's.
  ///   - ignoresMemory: Begins even when the forecast says that memory will not do.
  /// - Throws: ``ConfigError`` when sizes do not fit each other or the memory, ``DataError`` when
  ///   the data cannot be used, ``CheckpointError`` when the checkpoint is of another run.
  public init(
    _ recipe: Recipe, resuming checkpoint: Checkpoint? = nil, allowsOtherData: Bool = false,
    ignoresMemory: Bool = false
  ) throws {
    let tokenizer = try recipe.data.tokenizer.load()
    self.tokenizer = tokenizer
    var plan = try TrainingPlan(recipe, tokenizer)
    if !ignoresMemory { try plan.checkMemory() }
    self.recipe = recipe
    random = RandomSource(seed: UInt64(recipe.training.seed))
    data = try TrainingData(recipe, tokenizer, random)
    dataFingerprint = try data.training.fingerprint().description
    let names = data.labels?.names
    labels = names
    if let names { plan = try TrainingPlan(recipe, tokenizer, classes: names.count) }
    let teacher = try recipe.distillation.teacher.map { try Self.teacher($0, names) }
    let optimizer = try recipe.training.makeOptimizer()
    if let checkpoint {
      guard allowsOtherData || checkpoint.dataFingerprint == dataFingerprint else {
        throw ConfigError(
          .inconsistent, "the training text is not the one of the checkpoint",
          file: recipe.data.train.joined(separator: ", "), place: "data.train",
          rule: "fingerprint \(checkpoint.dataFingerprint), found \(dataFingerprint)",
          advice: "give the same files, or --allow-data-change")
      }
      let snapshot = try checkpoint.load(plan.config, into: optimizer)
      try snapshot.check(checkpoint, steps: plan.steps, tokensPerStep: plan.tokensPerStep)
      model = snapshot.model
      owesEvaluation = snapshot.owesEvaluation
      self.optimizer = snapshot.optimizer
      watch = snapshot.watch
      step = snapshot.step
    } else {
      model = try Transformer(plan.config, random: random.stream("initial weights"))
      if let teacher, recipe.distillation.copiesLayers { try model.copyLayers(of: teacher) }
      self.optimizer = optimizer
    }
    let distillation = try teacher.map { teacher throws(ConfigError) in
      try Distillation(teacher, recipe.distillation, student: plan.config)
    }
    work = StepWork(
      settings: recipe.training, steps: plan.steps, random: random, distillation: distillation)
    start = TrainingStart(
      parameterCount: model.parameterCount,
      trainingFlopsPerToken: plan.cost.trainingPerToken,
      forwardFlopsPerToken: plan.cost.forwardPerToken,
      steps: plan.steps,
      tokensPerStep: data.tokensPerStep(recipe) ?? plan.tokensPerStep,
      trainingTokens: data.training.count,
      validationTokens: data.validation?.count ?? 0,
      skippedFiles: data.documents.skippedFiles.count,
      skippedRecords: data.documents.badLines.count,
      memory: plan.memory
    )
  }

  /// The teacher in a folder; of a classifier with these labels.
  private static func teacher(_ path: String, _ labels: [String]?) throws -> Transformer {
    let folder = try ModelFolder(ModelFolder.resolve(path))
    guard labels == nil || folder.labels == labels else {
      throw ConfigError(
        .inconsistent, "the teacher's labels are \((folder.labels ?? []).prefix(20))", file: path,
        place: "distillation.teacher", rule: "those of the data, \((labels ?? []).prefix(20))")
    }
    return folder.model
  }

  /// Everything that the rest of the run depends on.
  public var snapshot: Snapshot {
    Snapshot(
      step: step, model: model, optimizer: optimizer, watch: watch, tokenizer: tokenizer,
      labels: labels,
      evaluation: evaluation, owesEvaluation: owesEvaluation)
  }

  /// Trains from the first step, or the one after the checkpoint, to the last.
  ///
  /// - Parameters:
  ///   - observe: Sees each event; may stop the run or ask for a checkpoint.
  ///   - save: Saves a checkpoint at the steps that the recipe asks for and when the run is
  ///     stopped, and says where.
  ///   - restore: The newest checkpoint of a step or an earlier one, for a rollback.
  ///   - saveFinal: Saves the model after the last step, before the last evaluation.
  ///   - isStopped: Asked between two batches of an evaluation; true ends it and the run.
  /// - Throws: ``TrainingError`` when loss or gradients are not finite too often, before they reach
  ///   the weights, and what the closures throw.
  public mutating func run(
    _ observe: (TrainEvent) throws -> TrainDecision,
    save: (Snapshot) throws -> String? = { _ in nil },
    restore: (Int) throws -> Checkpoint? = { _ in nil },
    saveFinal: (Transformer, Int) throws -> Void = { _, _ in },
    isStopped: () -> Bool = { false }
  ) throws -> TrainResult {
    var decision = try observe(.started(start))
    var record: StepRecord?
    var rates: [Double] = []
    var trainingSeconds = 0.0
    let began = monotonicSeconds()
    var savedStep = step
    // A run that ended early and is resumed has ended, unless it is given more patience.
    var endsEarly =
      recipe.evaluation.patience.map { watch.evaluationsSinceBest >= $0 } ?? false
    if owesEvaluation && step < start.steps && decision != .stop {
      try evaluateMeanwhile(observe, isStopped, &decision, &endsEarly)
      if !owesEvaluation, recipe.checkpoint.every > 0 { _ = try save(snapshot) }
    }
    while step < start.steps && decision != .stop && !endsEarly {
      step += 1
      evaluation = nil
      owesEvaluation = false
      let stepBegan = monotonicSeconds()
      let (found, verdict) = try advance()
      let seconds = monotonicSeconds() - stepBegan
      trainingSeconds += seconds
      rates.append(Double(found.tokens) / seconds)
      let now = StepRecord(
        step: step, loss: found.loss, gradientNorm: found.norm, learningRate: found.rate,
        tokens: step * start.tokensPerStep,
        epoch: Double((step + watch.batchOffset) * recipe.training.batch)
          * Double(recipe.training.accumulation) / Double(data.source.sampleCount),
        tokensPerSecond: rates[rates.count - 1], elapsed: monotonicSeconds() - began,
        residentByteCount: Compute.residentByteCount)
      if verdict == .accepted {
        record = now
        decision = try observe(.step(now))
      } else {
        let why = try reason(verdict, found)
        decision = try observe(.skipped(now, reason: why))
        let from = step
        if try rollBack(verdict, why, restore) {
          _ = try observe(.rolledBack(from: from, to: step))
          savedStep = step
          continue
        }
      }
      let every = recipe.evaluation.every
      if every > 0, step % every == 0, step < start.steps {
        try evaluateMeanwhile(observe, isStopped, &decision, &endsEarly)
      }
      let saves = recipe.checkpoint.every
      if (saves > 0 && step % saves == 0) || decision == .save, let path = try save(snapshot) {
        savedStep = step
        if try observe(.saved(path: path, step: step)) == .stop { decision = .stop }
      }
    }
    let isDone = step == start.steps || endsEarly
    if savedStep != step, !isDone || recipe.checkpoint.every > 0, let path = try save(snapshot) {
      savedStep = step
      _ = try observe(.saved(path: path, step: step))
    }
    try saveFinal(model, step)
    if decision != .stop || isDone {
      if let result = try evaluate(limit: nil, unless: isStopped) {
        evaluation = result
        _ = try observe(.evaluated(result, step: step))
      } else if savedStep != step, isStopped() {
        // A resumed run makes the evaluation.
        _ = try save(snapshot)
      }
    }
    return TrainResult(
      steps: step, wasStopped: !isDone, endedEarly: endsEarly, loss: record?.loss ?? .nan,
      evaluation: evaluation, tokens: step * start.tokensPerStep,
      trainingSeconds: trainingSeconds,
      tokensPerSecond: median(rates.count > 4 ? Array(rates.dropFirst(2)) : rates))
  }

  private func evaluate(limit: Int?, unless isStopped: () -> Bool) throws -> Evaluation? {
    try data.evaluate(model, batch: recipe.training.batch, limit: limit, unless: isStopped)
  }

  /// The evaluation between two steps.
  private mutating func evaluateMeanwhile(
    _ observe: (TrainEvent) throws -> TrainDecision, _ isStopped: () -> Bool,
    _ decision: inout TrainDecision, _ endsEarly: inout Bool
  ) throws {
    let result = try evaluate(limit: recipe.evaluation.windows, unless: isStopped)
    owesEvaluation = result == nil && isStopped()
    if owesEvaluation { decision = .stop }
    guard let result else { return }
    evaluation = result
    if try observe(.evaluated(result, step: step)) == .stop { decision = .stop }
    endsEarly = watch.note(evaluationLoss: result.loss, patience: recipe.evaluation.patience)
  }

  /// One optimizer step: micro-batches, clipping, update unless the watch rejects it.
  private mutating func advance() throws -> (found: StepWork.Outcome, verdict: StepWatch.Verdict) {
    let count = recipe.training.batch
    let offset = watch.batchOffset * recipe.training.accumulation
    let seesSpikes = recipe.training.onSpike != .off
    var verdict = StepWatch.Verdict.accepted
    var watch = watch
    let step = step
    let found = try work.run(step, &model, &optimizer) { [data] number in
      try data.source.batch(from: (number + offset) * count, count: count)
    } check: { found in
      verdict = watch.judge(
        loss: found.loss, norm: found.norm, step: step, seesSpikes: seesSpikes)
      return verdict == .accepted
    }
    self.watch = watch
    return (found, verdict)
  }

  /// What was wrong with the last step, and for numbers that are not finite where they began.
  private func reason(_ verdict: StepWatch.Verdict, _ found: StepWork.Outcome) throws -> String {
    let what = "loss \(found.loss), norm of the gradients \(found.norm)"
    if verdict == .spike { return "a spike, \(what)" }
    let parts = recipe.training.accumulation
    var report: NonFiniteReport?
    for part in 0..<parts where report?.isFound != true {
      let number = (step - 1) * parts + part
      let batch = try data.source.batch(
        from: (number + watch.batchOffset * parts) * recipe.training.batch,
        count: recipe.training.batch)
      report = NonFiniteReport(model, batch, work.context(step, number))
    }
    guard let report else { return what }
    return "\(what); \(report)"
  }

  /// Steps before a spike at least, and batches behind it that are left out.
  static let stepsBack = 100
  private static let batchesBeyond = 200

  /// Goes back to a checkpoint where the policy says so; false when the run goes on from here.
  private mutating func rollBack(
    _ verdict: StepWatch.Verdict, _ why: String, _ restore: (Int) throws -> Checkpoint?
  ) throws -> Bool {
    let settings = recipe.training
    let diverged = TrainingError.diverged(step: step, why)
    if verdict == .nonFinite && settings.onNonFinite == .stop {
      step -= 1
      throw diverged
    }
    let wantsRollback =
      verdict == .nonFinite ? settings.onNonFinite == .rollback : settings.onSpike == .rollback
    guard wantsRollback else {
      if watch.hasSkippedTooMany(step: step) {
        step -= 1
        throw diverged
      }
      return false
    }
    guard watch.rollbacks < StepWatch.mostRollbacks,
      let checkpoint = try restore(max(0, step - Self.stepsBack))
    else {
      // The step that went wrong is not done: a resumed run meets it again.
      step -= 1
      throw diverged
    }
    let snapshot = try checkpoint.load(model.config, into: try settings.makeOptimizer())
    watch = watch.rolledBack(
      from: step, to: snapshot.watch, at: snapshot.step, beyond: Self.batchesBeyond)
    model = snapshot.model
    optimizer = snapshot.optimizer
    step = snapshot.step
    return true
  }
}

/// The middle of a list; NaN for an empty one.
public func median(_ values: [Double]) -> Double {
  guard !values.isEmpty else { return .nan }
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
