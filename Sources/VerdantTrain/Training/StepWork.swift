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
  /// The teacher; nil for none.
  var distillation: Distillation?

  /// What a step found.
  struct Outcome {
    var loss = 0.0
    var norm = 0.0
    var rate = 0.0
    /// Tokens that the model read, padding not counted.
    var tokens = 0
  }

  /// What the forward pass of a micro-batch carries.
  func context(_ step: Int, _ number: Int) -> Context {
    var context = Context(
      .training, precision: settings.usedPrecision, step: step,
      random: random.stream("forward").stream(number))
    context.checkpointsBlocks = settings.checkpointsActivations
    context.labelSmoothing = settings.labelSmoothing
    return context
  }

  /// One optimizer step, from 1: micro-batches, clipping, update.
  ///
  /// - Parameters:
  ///   - batch: Gives the micro-batch of a number, from 0.
  ///   - check: Sees loss and norm of the gradients before the weights change; with false they
  ///     stay as they are.
  func run(
    _ step: Int, _ model: inout Transformer, _ optimizer: inout some Optimizer,
    batch: (Int) throws -> Batch, check: (Outcome) throws -> Bool
  ) rethrows -> Outcome {
    let parts = settings.accumulation
    var outcome = Outcome()
    var gradients = Gradients()
    let batches = try (0..<parts).map { try batch((step - 1) * parts + $0) }
    let targets = batches.reduce(0) { $0 + $1.targetCount }
    let areEqual = batches.allSatisfy { $0.targetCount * parts == targets }
    for (part, batch) in batches.enumerated() {
      let number = (step - 1) * parts + part
      // The mean over all targets of the step, wherever they stand.
      let share = Double(batch.targetCount) / Double(max(1, targets))
      var context = context(step, number)
      let found = valueAndGradients(of: model, &context) { model, context in
        let mean =
          distillation?.loss(model, batch, &context)
          ?? model.loss(batch.input, targets: batch.targets, &context)
        if parts == 1 { return mean }
        return areEqual ? mean / Double(parts) : mean * share
      }
      outcome.loss += found.value
      outcome.tokens += batch.tokenCount
      gradients.add(found.gradients)
    }
    outcome.norm = gradients.norm
    guard try check(outcome) else { return outcome }
    let scale = settings.clip.map { min(1, $0 / (outcome.norm + 1e-6)) } ?? 1
    outcome.rate = settings.learningRate * settings.schedule.factor(step: step - 1, of: steps)
    optimizer.update(&model, gradients, rate: outcome.rate, gradientScale: scale)
    return outcome
  }
}
