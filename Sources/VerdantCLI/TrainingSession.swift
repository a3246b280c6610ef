import Verdant

/// A training run that is shown, recorded and can be interrupted.
struct TrainingSession {
  let output: OutputOptions
  var tensorboard = false

  /// The caller keeps no copy of the trainer: with two owners the first step would copy every
  /// parameter.
  func train(
    _ trainer: consuming Trainer, _ makeFolder: (borrowing Trainer) throws -> RunFolder
  ) throws {
    let folder = try makeFolder(trainer)
    let settings = trainer.recipe.training
    if settings.usedPrecision != settings.precision {
      Console.error("this machine has no bf16 products: training in f32")
    }
    var progress = Progress(quiet: output.quiet, firstStep: trainer.step)
    var steps = trainer.step
    let board = tensorboard ? try TensorBoardFile(in: folder.path + "/tensorboard") : nil
    Interruption.listen()
    let result: TrainResult
    do {
      result = try trainer.run { event in
        if case .step(let record) = event { steps = record.step }
        progress.show(event)
        try folder.record(event)
        try board?.record(event)
        if Interruption.code != nil { return .stop }
        switch event {
        case .step, .skipped: return Interruption.takeSaveRequest() ? .save : .proceed
        default: return .proceed
        }
      } save: { snapshot in
        try folder.save(snapshot, mayFail: Interruption.code == nil) { error in
          progress.close()
          Console.error("no checkpoint after step \(snapshot.step): \(error)")
        }
      } restore: { step in
        folder.checkpoint(upTo: step)
      } saveFinal: { model, step in
        try folder.saveFinal(model, step: step)
      } isStopped: {
        Interruption.code != nil
      }
    } catch {
      progress.close()
      // What went wrong first is what the user must see.
      try? folder.fail(error)
      if error is TrainingError { keepLastGood(trainer, folder, after: steps) }
      throw error
    }
    progress.close()
    try folder.finish(trainer.model, result)
    try report(result, trainer.start.memory, folder.path)
    if let code = Interruption.code {
      Console.error(
        "stopped after step \(result.steps); go on with: verdant train --resume \(folder.path)")
      leave(code)
    }
  }

  /// The weights before the step that diverged, unless they are beyond use themselves.
  private func keepLastGood(_ trainer: Trainer, _ folder: RunFolder, after steps: Int) {
    let isFinite = trainer.model.parameters.allSatisfy { _, parameter in
      sumOfSquares(parameter.value).isFinite
    }
    guard steps > 0, isFinite, let path = try? folder.save(trainer.snapshot) else { return }
    Console.error("the weights after step \(steps) are saved in \(path)")
  }

  private func report(_ result: TrainResult, _ memory: MemoryForecast, _ out: String) throws {
    if output.json {
      var object = result.json
      object["model"] = .string(out + "/model")
      for (key, value) in memory.json { object[key] = value }
      return try Console.result(.object(object))
    }
    var lines = ["model          \(out)/model"]
    if result.endedEarly {
      lines.append("ended early    after step \(result.steps): no lower validation loss")
    }
    // A run that had all its steps already has no loss of a last one.
    if result.loss.isFinite { lines.append("loss           \(Format.fixed(result.loss, 4))") }
    if let evaluation = result.evaluation { lines += evaluation.lines }
    lines.append("tokens         \(Format.count(result.tokens))")
    if result.tokensPerSecond.isFinite {
      lines.append("tokens/s       \(Format.count(Int(result.tokensPerSecond)))")
    }
    lines += [
      "training time  \(Format.duration(result.trainingSeconds))",
      "peak memory    \(Format.bytes(Compute.peakResidentByteCount)), "
        + "\(Format.bytes(memory.total)) forecast",
    ]
    try Console.result(lines.joined(separator: "\n"))
  }
}

extension Evaluation {
  /// The figures for people.
  var lines: [String] {
    if let accuracy {
      return [
        "validation     \(Format.fixed(loss, 4)) nats a record",
        "accuracy       \(Format.fixed(100 * accuracy, 2)) % of \(Format.count(tokenCount))",
      ]
    }
    let first =
      "validation     \(Format.fixed(loss, 4)) nats a token, perplexity "
      + "\(Format.fixed(perplexity, 3))"
    return byteCount == 0 ? [first] : [first, "bits per byte  \(Format.fixed(bitsPerByte, 4))"]
  }
}
