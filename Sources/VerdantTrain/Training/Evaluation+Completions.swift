public import VerdantBase
import VerdantCore
public import VerdantNN

extension Evaluation {
  /// Evaluates a model on the completions of prompts; the bytes are theirs alone.
  ///
  /// - Parameters:
  ///   - batch: Examples evaluated at once.
  ///   - limit: Examples evaluated at most; nil for all.
  /// - Throws: ``DataError`` when there is nothing to predict.
  public init(
    _ model: Transformer, _ completions: CompletionRows, batch: Int, limit: Int? = nil
  ) throws(DataError) {
    self = try Self(model, completions, batch: batch, limit: limit) { false }.unstopped
  }

  /// Evaluates a model on completions; nil when `isStopped` says so before a batch.
  public init?(
    _ model: Transformer, _ completions: CompletionRows, batch: Int, limit: Int? = nil,
    unless isStopped: () -> Bool
  ) throws(DataError) {
    let started = monotonicSeconds()
    let all = completions.sampleCount
    let end = max(1, min(all, limit ?? all))
    var nats = 0.0
    var counted = 0
    var bytes = 0
    var context = Context(.inference)
    for first in stride(from: 0, to: end, by: max(1, batch)) {
      if isStopped() { return nil }
      let part = completions.inOrder(first..<min(end, first + max(1, batch)))
      let batch = Batch(part.rows)
      let loss = model.loss(batch.tokens, targets: batch.targets, &context)
      nats += loss.scalar * Double(batch.targetCount)
      counted += batch.targetCount
      bytes += part.byteCount
    }
    guard counted > 0 else {
      throw DataError(.tooShort, "the data has no token to predict", rule: "one at least")
    }
    loss = nats / Double(counted)
    tokenCount = counted
    byteCount = bytes
    seconds = monotonicSeconds() - started
  }
}
