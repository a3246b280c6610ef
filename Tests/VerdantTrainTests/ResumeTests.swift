import Foundation
import Testing
import Verdant

/// Runs that are cut off and go on, against runs that were not.
@Suite struct ResumeTests {
  /// What a run leaves that a later step depends on.
  private struct Outcome: Equatable {
    let model: [[UInt32]]
    let optimizer: [String: [Float]]
    let losses: [Double]
  }

  private func outcome(_ trainer: Trainer, _ losses: [Double]) -> Outcome {
    let state = trainer.snapshot.optimizer.state
    return Outcome(
      model: trainer.model.bits,
      optimizer: Dictionary(
        uniqueKeysWithValues: state.entries.map { ("\($0.slot) \($0.name)", $0.tensor.floats) }),
      losses: losses)
  }

  /// Trains on and keeps each loss by its step.
  private func train(_ trainer: inout Trainer, _ folder: RunFolder, _ losses: inout [Double]) throws
  {
    losses.removeLast(losses.count - trainer.step)
    var found = losses
    _ = try trainer.run { event in
      try folder.record(event)
      if case .step(let record) = event { found.append(record.loss) }
      return .proceed
    } save: {
      try folder.save($0)
    }
    losses = found
  }

  private func checkEveryStep(_ change: (inout Recipe) -> Void) throws {
    try withText { text in
      let recipe = smallRecipe(text) {
        $0.checkpoint.every = 1
        $0.checkpoint.keepLast = 100
        $0.evaluation.every = 3
        change(&$0)
      }
      var whole = try Trainer(recipe)
      var losses: [Double] = []
      let out = text + "-run"
      do {
        let folder = try RunFolder(out, whole)
        try train(&whole, folder, &losses)
      }
      let expected = outcome(whole, losses)
      #expect(losses.count == 8 && Set(losses).count == 8)
      let manager = FileManager.default
      for step in 1...7 {
        // As if the run had ended after this step, with later lines already written.
        for later in step + 1...8 {
          try? manager.removeItem(atPath: out + "/checkpoints/step-00000000\(later)")
        }
        for later in 1...step
        where !manager.fileExists(atPath: out + "/checkpoints/step-00000000\(later)") {
          Issue.record("checkpoint \(later) is missing")
        }
        let copy = text + "-\(step)"
        try manager.copyItem(atPath: out, toPath: copy)
        let stopped = try StoppedRun(copy)
        #expect(stopped.checkpoint.step == step && stopped.passedOver.isEmpty)
        var trainer = try Trainer(stopped.recipe, resuming: stopped.checkpoint)
        #expect(trainer.step == step)
        let folder = try RunFolder(stopped, trainer)
        var again = losses
        try train(&trainer, folder, &again)
        #expect(outcome(trainer, again) == expected, "after step \(step)")
        // For the next turn all are needed again.
        try manager.removeItem(atPath: out)
        try manager.copyItem(atPath: copy, toPath: out)
        try manager.removeItem(atPath: copy)
      }
    }
  }

  @Test func everyStepWithAdamW() throws {
    try checkEveryStep { $0.model.dropout = 0.1 }
  }

  @Test func everyStepWithMuonAndAccumulation() throws {
    try checkEveryStep {
      $0.training.optimizer = Spec(Muon.kind, Muon.Options())
      $0.training.accumulation = 2
      $0.training.onSpike = .skip
    }
  }

  @Test func everyStepWithLAMB() throws {
    try checkEveryStep { $0.training.optimizer = Spec(LAMB.kind, LAMB.Options()) }
  }

  @Test func everyStepWithMomentum() throws {
    try checkEveryStep {
      var options = SGD.Options()
      options.momentum = 0.9
      $0.training.optimizer = Spec(SGD.kind, options)
      $0.training.precision = .bfloat16
    }
  }

  /// A run that ended early has ended, also for `--resume`; more patience lets it go on.
  @Test func anEarlyEndIsAnEnd() throws {
    try withText { text in
      var trainer = try Trainer(
        smallRecipe(text) {
          $0.training.learningRate = 0
          $0.training.steps = 40
          $0.evaluation.every = 2
          $0.evaluation.patience = 2
          $0.checkpoint.every = 2
        })
      var losses: [Double] = []
      let out = text + "-run"
      do {
        let folder = try RunFolder(out, trainer)
        try train(&trainer, folder, &losses)
      }
      #expect(trainer.step == 6)
      for (patience, end) in [(2, 6), (4, 10)] {
        let stopped = try StoppedRun(out, overrides: ["evaluation.patience=\(patience)"])
        var again = try Trainer(stopped.recipe, resuming: stopped.checkpoint)
        let folder = try RunFolder(stopped, again)
        try train(&again, folder, &losses)
        #expect(again.step == end)
      }
    }
  }

  /// A run that is stopped in each of its evaluations and goes on: nothing shows of it afterwards.
  @Test func evaluationsThatAreStopped() throws {
    try withText { text in
      let recipe = smallRecipe(text) {
        $0.checkpoint.every = 2
        $0.checkpoint.keepBest = 1
        $0.evaluation.every = 2
        $0.evaluation.patience = 2
      }
      func evaluations(_ run: String) throws -> [String] {
        let lines = try VerdantTrainTests.text(run + "/metrics.jsonl").split(separator: "\n")
        return try lines.map { try JSONValue(parsing: String($0)) }
          .filter { $0["event"] == "eval" }
          .map { "\($0["step"]?.intValue ?? -1) \($0["eval_loss"]?.doubleValue ?? -1)" }
      }
      var whole = try Trainer(recipe)
      var losses: [Double] = []
      let out = text + "-run"
      do {
        let folder = try RunFolder(out, whole)
        try train(&whole, folder, &losses)
      }
      let run = text + "-stopped"
      for turn in 0..<6 {
        var batches = 0
        let stopped = turn == 0 ? nil : try StoppedRun(run)
        #expect(stopped == nil || stopped?.checkpoint.step == min(8, 2 * turn))
        var trainer = try Trainer(stopped?.recipe ?? recipe, resuming: stopped?.checkpoint)
        let folder =
          if let stopped { try RunFolder(stopped, trainer) } else { try RunFolder(run, trainer) }
        // The second batch of the first evaluation that is not one of an earlier turn.
        let owed = turn == 0 ? 0 : 1
        var done = 0
        let result = try trainer.run { event in
          try folder.record(event)
          if case .evaluated = event {
            done += 1
            batches = 0
          }
          return .proceed
        } save: {
          try folder.save($0)
        } saveFinal: { model, step in
          try folder.saveFinal(model, step: step)
        } isStopped: {
          batches += 1
          return turn < 4 && done >= owed && batches >= 2
        }
        let state = try JSONValue(parsing: VerdantTrainTests.text(run + "/run.json"))["state"]
        try folder.finish(trainer.model, result)
        // The last turns had all steps, and made their last evaluation or had made it.
        #expect(result.wasStopped == (turn < 3) && (result.evaluation == nil) == (turn < 4))
        #expect(state == (turn < 3 ? "stopped" : "finished"))
      }
      #expect(try evaluations(run) == evaluations(out))
      let names = {
        try FileManager.default.contentsOfDirectory(atPath: $0 + "/checkpoints").sorted()
      }
      #expect(try names(run) == names(out))
      #expect(
        try read(run + "/checkpoints/step-000000008/optimizer.safetensors")
          == read(out + "/checkpoints/step-000000008/optimizer.safetensors"))
    }
  }

  @Test func everyNumberOfThreadsGivesTheSameBits() throws {
    let before = Compute.threadCount
    defer { Compute.threadCount = before }
    try withText { text in
      for precision in [Precision.float32, .bfloat16] {
        var results: [[[UInt32]]] = []
        for threads in [1, 2, 3, 4] {
          Compute.threadCount = threads
          var trainer = try Trainer(
            smallRecipe(text) {
              $0.training.precision = precision
              $0.model.dropout = 0.1
              $0.training.steps = 4
            })
          _ = try trainer.run { _ in .proceed }
          results.append(trainer.model.bits)
        }
        #expect(Set(results).count == 1, "\(precision)")
      }
    }
  }

  /// A finished run that is given more steps.
  @Test func aRunIsContinuedWithMoreSteps() throws {
    try withText { text in
      let schedule = { (recipe: inout Recipe) in
        recipe.training.schedule.kind = .constant
        recipe.checkpoint.every = 4
      }
      var whole = try Trainer(
        smallRecipe(text) {
          schedule(&$0)
          $0.training.steps = 12
        })
      _ = try whole.run { _ in .proceed }
      var first = try Trainer(smallRecipe(text, schedule))
      var losses: [Double] = []
      let out = text + "-run"
      do {
        let folder = try RunFolder(out, first)
        try train(&first, folder, &losses)
      }
      let stopped = try StoppedRun(out + "/", overrides: ["training.steps=12"])
      var second = try Trainer(stopped.recipe, resuming: stopped.checkpoint)
      let folder = try RunFolder(stopped, second)
      try train(&second, folder, &losses)
      #expect(second.model.bits == whole.model.bits)
      #expect(try RecipeFile.read(out + "/recipe.yaml").training.steps == 12)
      let lines = try VerdantTrainTests.text(out + "/metrics.jsonl").split(separator: "\n").map {
        try JSONValue(parsing: String($0))
      }
      let steps = lines.filter { $0["event"] == "step" }.compactMap { $0["step"]?.intValue }
      #expect(steps == Array(1...12))
      #expect(lines.contains { $0["event"] == "resumed" && $0["step"] == 8 })
    }
  }

  @Test func whatDoesNotBelongTogetherIsRefused() throws {
    try withText { text in
      var trainer = try Trainer(smallRecipe(text) { $0.checkpoint.every = 4 })
      var losses: [Double] = []
      let out = text + "-run"
      do {
        let folder = try RunFolder(out, trainer)
        try train(&trainer, folder, &losses)
      }
      let checkpoint = try Checkpoint(out + "/checkpoints/step-000000008")
      var wrong = try RecipeFile.read(out + "/recipe.yaml")
      wrong.model.width = 32
      let model = #expect(throws: CheckpointError.self) {
        try Trainer(wrong, resuming: checkpoint)
      }
      #expect(model?.kind == .wrongRun)
      wrong = try RecipeFile.read(out + "/recipe.yaml")
      wrong.training.optimizer = Spec(SGD.kind, SGD.Options())
      let optimizer = #expect(throws: CheckpointError.self) {
        try Trainer(wrong, resuming: checkpoint)
      }
      #expect(optimizer?.kind == .wrongRun)
      try put(("more" + sampleText).utf8, text)
      let recipe = try RecipeFile.read(out + "/recipe.yaml")
      let data = #expect(throws: ConfigError.self) { try Trainer(recipe, resuming: checkpoint) }
      #expect(data?.kind == .inconsistent && data?.exitCode == .inconsistentConfiguration)
      #expect(throws: Never.self) {
        try Trainer(recipe, resuming: checkpoint, allowsOtherData: true)
      }
      let held = try StoppedRun(out)
      let busy = #expect(throws: FileError.self) { try StoppedRun(out) }
      #expect(busy?.kind == .busy && busy?.exitCode == .busy)
      #expect(busy?.report.rule?.contains("process \(getpid())") == true)
      _ = held
    }
  }
}
