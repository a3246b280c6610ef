import VerdantBase
import VerdantCore
import VerdantNN

/// The work of an optimizer step: the trainer runs it on numbers, the forecast of its memory on
/// shapes alone.
struct StepWork {
  let settings: TrainingSettings
  /// Optimizer steps of the run.
  let steps: Int
  let random: RandomSource

  /// What a step found.
  struct Outcome {
    var loss = 0.0
    var norm = 0.0
    var rate = 0.0
  }

  /// One optimizer step, from 1: micro-batches, clipping, update.
  ///
  /// - Parameters:
  ///   - batch: Gives the micro-batch of a number, from 0.
  ///   - check: Sees loss and norm of the gradients before the weights change.
  func run(
    _ step: Int, _ model: inout Transformer, _ optimizer: inout some Optimizer,
    batch: (Int) throws -> Batch, check: (Outcome) throws -> Void
  ) rethrows -> Outcome {
    let parts = settings.accumulation
    var outcome = Outcome()
    var gradients = Gradients()
    for part in 0..<parts {
      let number = (step - 1) * parts + part
      let batch = try batch(number)
      var context = Context(
        .training, precision: settings.usedPrecision, step: step,
        random: random.stream("forward").stream(number))
      context.checkpointsBlocks = settings.checkpointsActivations
      let found = valueAndGradients(of: model, &context) { model, context in
        let mean = model.loss(batch.tokens, targets: batch.targets, &context)
        return parts == 1 ? mean : mean / Double(parts)
      }
      outcome.loss += found.value
      gradients.add(found.gradients)
    }
    outcome.norm = gradients.norm
    try check(outcome)
    let scale = settings.clip.map { min(1, $0 / (outcome.norm + 1e-6)) } ?? 1
    outcome.rate = settings.learningRate * settings.schedule.factor(step: step - 1, of: steps)
    optimizer.update(&model, gradients, rate: outcome.rate, gradientScale: scale)
    return outcome
  }
}
