public import VerdantBase
public import VerdantNN
public import VerdantText

/// Everything that the rest of a run depends on, after a step. A value: later steps do not change
/// it.
public struct Snapshot: Sendable {
  /// Steps done.
  public let step: Int
  /// The model.
  public let model: Transformer
  /// The optimizer with its state.
  public let optimizer: any Optimizer
  /// What the watch over loss and gradients remembers.
  public let watch: StepWatch
  /// The tokenizer.
  public let tokenizer: any Tokenizer
  /// The names of a classifier's classes; nil for language models.
  public let labels: [String]?
  /// The evaluation after this very step; nil when there was none.
  public let evaluation: Evaluation?
  /// True when an evaluation after this step was begun and stopped: the run that goes on makes it.
  let owesEvaluation: Bool

  /// Throws when this is beyond a run of `steps`, or was made for another batch.
  func check(_ checkpoint: Checkpoint, steps: Int, tokensPerStep: Int) throws {
    guard step <= steps else {
      throw ConfigError(
        .inconsistent, "the checkpoint is of step \(step), the run has \(steps)",
        file: checkpoint.path, place: "training.steps", rule: "\(step) at least")
    }
    let (tokens, overflows) = (step + watch.batchOffset).multipliedReportingOverflow(
      by: tokensPerStep)
    guard !overflows, tokens <= TrainingSettings.mostTokens else {
      throw CheckpointError(
        .damaged, "the data are \(watch.batchOffset) batches ahead", file: checkpoint.path,
        place: "watch.batch_offset", rule: "as many as rollbacks left out")
    }
  }
}
