import VerdantBase

/// Mean cross-entropy of logits in nats over the rows whose target is not negative; 0 without one.
/// For few classes: a vocabulary's logits need not exist, see ``linearCrossEntropy(_:_:targets:)``.
///
/// - Parameters:
///   - logits: `[rows, classes]`.
///   - targets: Integers `[rows]` below the classes.
///   - smoothing: The share of each target that is spread over the classes (Szegedy et al. 2016).
/// - Returns: `[1]`.
public func crossEntropy(_ logits: Tensor, targets: Tensor, smoothing: Double = 0) -> Tensor {
  let (rows, classes) = (logits.shape.rows, logits.shape.columns)
  require(
    logits.shape.rank == 2 && targets.count == rows && targets.dtype == .int32,
    "[cross-entropy] logits \(logits.shape), \(targets.dtype) targets \(targets.shape)")
  var chosen = [Float](repeating: 0, count: rows * classes)
  var counted = 0
  for (row, target) in targets.integers.enumerated() where target >= 0 {
    require(target < classes, "[cross-entropy] target \(target) of \(classes) classes")
    let share = Float(smoothing / Double(classes))
    for other in 0..<classes { chosen[row * classes + other] = share }
    chosen[row * classes + Int(target)] += Float(1 - smoothing)
    counted += 1
  }
  let shifted = logits - logits.maximum(over: 1).detached()
  let logProbabilities = shifted - log(exp(shifted).sum(over: 1))
  let mask = Tensor(chosen, logits.shape, on: logits.backend)
  return -(logProbabilities * mask).total() / Double(max(counted, 1))
}
