public import VerdantBase
import VerdantCore
public import VerdantNN

extension Evaluation {
  /// Evaluates a model on the samples of one epoch, with the loss it is trained for; of a classifier
  /// with its accuracy.
  ///
  /// - Parameters:
  ///   - batch: Samples evaluated at once.
  ///   - limit: Samples evaluated at most; nil for all.
  /// - Throws: ``DataError`` when there is nothing to predict.
  public init(
    _ model: Transformer, samples source: any BatchSource, batch: Int, limit: Int? = nil
  ) throws(DataError) {
    self = try Self(model, samples: source, batch: batch, limit: limit) { false }.unstopped
  }

  /// Evaluates a model on samples; nil when `isStopped` says so before a batch.
  public init?(
    _ model: Transformer, samples source: any BatchSource, batch: Int, limit: Int? = nil,
    unless isStopped: () -> Bool
  ) throws(DataError) {
    let started = monotonicSeconds()
    let end = max(1, min(source.sampleCount, limit ?? source.sampleCount))
    var nats = 0.0
    var counted = 0
    var right = 0
    var context = Context(.inference)
    for first in stride(from: 0, to: end, by: max(1, batch)) {
      if isStopped() { return nil }
      let batch = Batch(try source.rows(from: first, count: min(end - first, max(1, batch))))
      let outputs = model.outputs(batch.input, targets: batch.targets, &context)
      nats += model.loss(of: outputs, &context).scalar * Double(batch.targetCount)
      counted += batch.targetCount
      guard outputs.areLogits else { continue }
      let classes = outputs.vectors.shape.columns
      let logits = outputs.vectors.floats
      for (row, target) in batch.targets.integers.enumerated() where target >= 0 {
        right += largest(logits[row * classes..<(row + 1) * classes]) == Int(target) ? 1 : 0
      }
    }
    guard counted > 0 else {
      throw DataError(.tooShort, "the data has nothing to predict", rule: "one target at least")
    }
    loss = nats / Double(counted)
    tokenCount = counted
    byteCount = 0
    seconds = monotonicSeconds() - started
    accuracy = model.config.classification == nil ? nil : Double(right) / Double(counted)
  }
}

/// The place of the largest number, of equal ones the first.
private func largest(_ row: ArraySlice<Float>) -> Int {
  var best = row.startIndex
  for index in row.indices where row[index] > row[best] { best = index }
  return best - row.startIndex
}
