public import VerdantBase

/// What happens to a step whose loss or gradients are not finite.
public enum NonFinitePolicy: String, Sendable, CaseIterable, KnobValue {
  /// The step changes nothing; too many of them end the run.
  case skip
  /// The run ends.
  case stop
  /// The run goes on from an earlier checkpoint, with other batches.
  case rollback
}

/// What happens to a step whose loss or gradients jump up.
public enum SpikePolicy: String, Sendable, CaseIterable, KnobValue {
  /// Nothing.
  case off
  /// The step changes nothing.
  case skip
  /// The run goes on from an earlier checkpoint, with other batches.
  case rollback
}

/// Looks at loss and norm of the gradients of each step before the weights change.
///
/// A spike is a value above median + 6 · 1.4826 · MAD of the last 128 accepted ones, a loss also
/// above 1.02 times the median. Only upward, and what was rejected never enters the record.
public struct StepWatch: Sendable, Equatable {
  /// What to do with a step.
  enum Verdict: Equatable {
    case accepted
    case nonFinite
    case spike
  }

  private static let window = 128
  private static let least = 64
  static let mostInARow = 8
  static let mostRollbacks = 3

  private var losses: [Double] = []
  private var norms: [Double] = []
  /// Skipped steps since the last accepted one.
  private(set) var skippedInARow = 0
  /// Skipped steps of the run.
  private(set) var skipped = 0
  /// Batches that the data are ahead of the steps, since a rollback leaves some out.
  private(set) var batchOffset = 0
  /// Rollbacks since the run was last beyond the step that caused them.
  private(set) var rollbacks = 0
  private var troubledStep = 0
  /// The lowest loss of an evaluation.
  private(set) var bestEvaluation: Double?
  /// Evaluations since then.
  private(set) var evaluationsSinceBest = 0

  /// A record of nothing.
  init() {}

  /// Judges a step and remembers it.
  mutating func judge(loss: Double, norm: Double, step: Int, seesSpikes: Bool) -> Verdict {
    guard loss.isFinite && norm.isFinite else {
      reject()
      return .nonFinite
    }
    if seesSpikes
      && (Self.isSpike(loss, losses, leastFactor: 1.02) || Self.isSpike(norm, norms))
    {
      reject()
      return .spike
    }
    skippedInARow = 0
    if step > troubledStep { rollbacks = 0 }
    Self.add(loss, to: &losses)
    Self.add(norm, to: &norms)
    return .accepted
  }

  /// Remembers an evaluation; true when it is the last of so many without a lower loss.
  mutating func note(evaluationLoss loss: Double, patience: Int?) -> Bool {
    if loss < bestEvaluation ?? .infinity {
      bestEvaluation = loss
      evaluationsSinceBest = 0
    } else {
      evaluationsSinceBest += 1
    }
    return patience.map { evaluationsSinceBest >= $0 } ?? false
  }

  private mutating func reject() {
    skippedInARow += 1
    skipped += 1
  }

  /// True when so many steps were skipped that the run learns nothing: 8 in a row, or one of a
  /// hundred.
  func hasSkippedTooMany(step: Int) -> Bool {
    skippedInARow > Self.mostInARow || (skipped > Self.mostInARow && skipped * 100 > step)
  }

  /// Goes on after a rollback from `step` to `restored`: the record of the checkpoint, with batches
  /// that no step has seen, `beyond` behind the one that made trouble.
  func rolledBack(from step: Int, to restored: StepWatch, at restoredStep: Int, beyond: Int)
    -> StepWatch
  {
    var next = restored
    next.batchOffset = max(batchOffset, restored.batchOffset) + step - restoredStep + beyond
    next.rollbacks = rollbacks + 1
    next.troubledStep = max(step, troubledStep)
    next.skipped = skipped
    return next
  }

  private static func add(_ value: Double, to record: inout [Double]) {
    if record.count == window { record.removeFirst() }
    record.append(value)
  }

  private static func isSpike(_ value: Double, _ record: [Double], leastFactor: Double = 1) -> Bool
  {
    guard record.count >= least else { return false }
    let middle = median(record)
    let deviation = median(record.map { abs($0 - middle) })
    return value > middle + 6 * 1.4826 * deviation && value > leastFactor * middle
  }

  /// The record, for a checkpoint.
  var json: JSONObject {
    [
      "losses": .array(losses.map { .number($0) }), "norms": .array(norms.map { .number($0) }),
      "skipped_in_a_row": .integer(skippedInARow), "skipped": .integer(skipped),
      "batch_offset": .integer(batchOffset), "rollbacks": .integer(rollbacks),
      "troubled_step": .integer(troubledStep),
      "best_evaluation": bestEvaluation.map { .number($0) } ?? .null,
      "evaluations_since_best": .integer(evaluationsSinceBest),
    ]
  }

  /// The record of a checkpoint.
  ///
  /// - Throws: ``CheckpointError`` when it is none.
  init(_ json: JSONObject, file: String) throws(CheckpointError) {
    func numbers(_ key: String) -> [Double]? {
      guard let list = json[key]?.arrayValue, list.count <= Self.window else { return nil }
      let values = list.compactMap(\.doubleValue)
      return values.count == list.count ? values : nil
    }
    func count(_ key: String) -> Int? {
      json[key]?.intValue.flatMap { (0...TrainingSettings.mostTokens).contains($0) ? $0 : nil }
    }
    guard let losses = numbers("losses"), let norms = numbers("norms"),
      let skippedInARow = count("skipped_in_a_row"), let skipped = count("skipped"),
      let batchOffset = count("batch_offset"), let rollbacks = count("rollbacks"),
      let troubledStep = count("troubled_step"),
      let evaluationsSinceBest = count("evaluations_since_best"),
      let best = json["best_evaluation"], best.isNull || best.doubleValue != nil
    else {
      throw CheckpointError(
        .damaged, "the record of losses is incomplete", file: file, place: "watch",
        rule: "numbers of the last \(Self.window) steps")
    }
    self.losses = losses
    self.norms = norms
    self.skippedInARow = skippedInARow
    self.skipped = skipped
    self.batchOffset = batchOffset
    self.rollbacks = rollbacks
    self.troubledStep = troubledStep
    self.evaluationsSinceBest = evaluationsSinceBest
    bestEvaluation = best.doubleValue
  }
}
