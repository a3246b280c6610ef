public import VerdantBase

/// What happens in a training run, in order.
public enum TrainEvent: Sendable {
  /// Model and data are ready.
  case started(TrainingStart)
  /// An optimizer step is done.
  case step(StepRecord)
  /// The model was evaluated after a step.
  case evaluated(Evaluation, step: Int)
  /// A checkpoint was saved.
  case saved(path: String, step: Int)
  /// A step changed nothing, because of what it found.
  case skipped(StepRecord, reason: String)
  /// The run goes on after an earlier step, with other batches.
  case rolledBack(from: Int, to: Int)
}

/// What an observer wants after an event.
public enum TrainDecision: Sendable {
  /// Train on.
  case proceed
  /// Save a checkpoint and train on.
  case save
  /// Stop after this step and keep the model.
  case stop
}

/// Sizes of a run, known before the first step.
public struct TrainingStart: Sendable {
  /// Numbers in the model's parameters.
  public let parameterCount: Int
  /// Operations of training for each token; see ``VerdantNN/ModelCost``.
  public let trainingFlopsPerToken: Double
  /// Operations of a forward pass for each token.
  public let forwardFlopsPerToken: Double
  /// Optimizer steps of the run.
  public let steps: Int
  /// Tokens of a step.
  public let tokensPerStep: Int
  /// Tokens of the training text.
  public let trainingTokens: Int
  /// Tokens of the validation text.
  public let validationTokens: Int
  /// Files left out of folders because they hold no text.
  public let skippedFiles: Int
  /// Records left out because they cannot be used.
  public let skippedRecords: Int
  /// Memory that the run will have at its peak.
  public let memory: MemoryForecast
}

/// One optimizer step.
public struct StepRecord: Sendable, Equatable {
  /// The step, from 1.
  public let step: Int
  /// Mean loss of the step's tokens before the update, in nats.
  public let loss: Double
  /// Norm of the gradients before clipping.
  public let gradientNorm: Double
  /// The learning rate.
  public let learningRate: Double
  /// Tokens trained on so far.
  public let tokens: Int
  /// Passes over the training text so far.
  public let epoch: Double
  /// Tokens per second of this step.
  public let tokensPerSecond: Double
  /// Seconds since the first step began.
  public let elapsed: Double
  /// Resident memory, in bytes.
  public let residentByteCount: Int
}

/// The result of a run.
public struct TrainResult: Sendable {
  /// Steps done.
  public let steps: Int
  /// True when an observer stopped the run early.
  public let wasStopped: Bool
  /// True when evaluations no longer got better.
  public let endedEarly: Bool
  /// The loss of the last step.
  public let loss: Double
  /// The last evaluation; nil without validation text.
  public let evaluation: Evaluation?
  /// Tokens trained on.
  public let tokens: Int
  /// Seconds of all steps, without evaluation and saving.
  public let trainingSeconds: Double
  /// Median over steps of tokens per second, the first two left out where there are more.
  public let tokensPerSecond: Double
}

/// A run that cannot go on.
public struct TrainingError: ReportedError, Equatable {
  /// What happened.
  public let report: ErrorReport

  /// The loss or the gradients of a step are not finite.
  static func diverged(step: Int, _ why: String) -> TrainingError {
    TrainingError(
      report: ErrorReport(
        code: .diverged,
        what: "training diverged: \(why)",
        place: "step \(step)",
        rule: "both are finite; the weights were not changed by this step",
        advice: "lower training.learning_rate, or raise training.schedule.warmup_steps"
      ))
  }
}
