import Testing

@testable import VerdantTrain
@testable import Verdant

/// The watch over losses and gradients, by made-up values and by runs that go wrong.
@Suite struct StepWatchTests {
  private func filled(_ count: Int = 128, seesSpikes: Bool = true) -> StepWatch {
    var watch = StepWatch()
    for step in 1...count {
      let verdict = watch.judge(
        loss: 3 + 0.01 * Double(step % 7), norm: 1 + 0.02 * Double(step % 5), step: step,
        seesSpikes: seesSpikes)
      #expect(verdict == .accepted)
    }
    return watch
  }

  @Test func jumpsUpAreSpikesAndJumpsDownAreNot() {
    for (loss, norm, expected) in [
      (300.0, 1.0, StepWatch.Verdict.spike), (3, 100, .spike), (0.03, 1, .accepted),
      (3, 0.001, .accepted), (3.03, 1.04, .accepted), (.nan, 1, .nonFinite),
      (3, .infinity, .nonFinite),
    ] {
      var watch = filled()
      #expect(watch.judge(loss: loss, norm: norm, step: 129, seesSpikes: true) == expected)
      // What was rejected is not in the record: the next ordinary step is ordinary.
      #expect(watch.judge(loss: 3, norm: 1, step: 130, seesSpikes: true) == .accepted)
    }
  }

  @Test func fewOrEqualValuesAreNoReason() {
    var few = filled(63)
    #expect(few.judge(loss: 300, norm: 100, step: 64, seesSpikes: true) == .accepted)
    var equal = StepWatch()
    for step in 1...128 {
      _ = equal.judge(loss: 2, norm: 1, step: step, seesSpikes: true)
    }
    #expect(equal.judge(loss: 2.02, norm: 1, step: 129, seesSpikes: true) == .accepted)
    #expect(equal.judge(loss: 2.1, norm: 1, step: 130, seesSpikes: true) == .spike)
    var off = filled(seesSpikes: false)
    #expect(off.judge(loss: 300, norm: 100, step: 129, seesSpikes: false) == .accepted)
  }

  @Test func eightInARowAreAllowed() {
    var watch = filled()
    for step in 129...136 {
      #expect(watch.judge(loss: .nan, norm: 1, step: step, seesSpikes: true) == .nonFinite)
      #expect(!watch.hasSkippedTooMany(step: step))
    }
    _ = watch.judge(loss: .nan, norm: 1, step: 137, seesSpikes: true)
    #expect(watch.hasSkippedTooMany(step: 137))
  }

  @Test func theRecordSurvivesACheckpoint() throws {
    var watch = filled()
    _ = watch.judge(loss: .nan, norm: 1, step: 129, seesSpikes: true)
    let json = JSONValue.object(watch.json)
    let read = try #require(try JSONValue(parsing: JSONWriter.bytes(of: json)).objectValue)
    #expect(try StepWatch(read, file: "state.json") == watch)
    for key in read.map(\.key) {
      for value: JSONValue in [.null, -1, "x", [.null]]
      where key != "best_evaluation" || value == "x" || value == [.null] {
        var wrong = read
        wrong[key] = value
        #expect(throws: CheckpointError.self) { try StepWatch(wrong, file: "state.json") }
      }
    }
  }

  @Test func theFirstLayerThatIsNotFiniteIsNamed() throws {
    let config = ModelConfig(blocks: 2, width: 8, heads: 2, maximumLength: 8)
    let plain = try Transformer(config, random: RandomSource(seed: 1))
    let ids = Tensor(integers: [1, 2, 3, 4], [1, 4])
    let batch = Batch(tokens: ids, targets: ids, targetCount: 4)
    func report(_ change: (String, inout Parameter) -> Void) -> String {
      var model = plain
      model.updateParameters { change($0, &$1) }
      return "\(NonFiniteReport(model, batch, Context(.training)))"
    }
    #expect(report { _, _ in } == "every layer is finite, the loss or the gradients are not")
    let overflow = report { name, parameter in
      // Large enough to overflow only in the second map of the second block.
      if name.hasPrefix("blocks.1.feedForward") {
        parameter.value = .full(parameter.value.shape, 3e38)
      }
    }
    #expect(overflow.hasPrefix("first in the output of blocks.1: 32 numbers"), "\(overflow)")
    let weights = report { name, parameter in
      if name == "blocks.0.mixerNorm.scale" { parameter.value = .full(parameter.value.shape, .nan) }
    }
    #expect(weights == "the weights blocks.0.mixerNorm.scale are not finite")
  }

  @Test func patienceEndsARun() throws {
    var watch = StepWatch()
    let verdicts = [3.0, 2, 2.5, 2, 1, 1, 1.5, .nan].map {
      watch.note(evaluationLoss: $0, patience: 3)
    }
    #expect(verdicts == [false, false, false, false, false, false, false, true])
    #expect(watch.bestEvaluation == 1)
    let unlimited = watch.note(evaluationLoss: 9, patience: nil)
    #expect(!unlimited)
    try withText { path in
      // A rate of 0 makes every evaluation the same.
      var trainer = try Trainer(
        smallRecipe(path) {
          $0.training.learningRate = 0
          $0.training.steps = 50
          $0.evaluation.every = 2
          $0.evaluation.patience = 3
        })
      var evaluations = 0
      let result = try trainer.run { event in
        if case .evaluated = event { evaluations += 1 }
        return .proceed
      }
      #expect(result.endedEarly && !result.wasStopped && result.steps == 8)
      #expect(evaluations == 5 && result.evaluation != nil)
      var other = try Trainer(smallRecipe(path))
      let plain = try other.run { _ in .proceed }
      #expect(!plain.endedEarly)
    }
  }

  /// Weights that grow ten-thousandfold a step: the loss is not finite after some, for any batch.
  @Test func aRunThatOnlySkipsEnds() throws {
    try withText { path in
      var trainer = try Trainer(
        smallRecipe(path) {
          $0.training.learningRate = 1e3
          $0.training.steps = 60
          var options = AdamW.Options()
          options.weightDecay = 10
          $0.training.optimizer = Spec(AdamW.kind, options)
        })
      var events: [String] = []
      var last: [[UInt32]] = []
      let error = #expect(throws: TrainingError.self) {
        try trainer.run { event in
          events.append(event.name)
          return .proceed
        }
      }
      last = trainer.model.bits
      #expect(error?.exitCode == .diverged)
      let what = try #require(error?.report.what)
      #expect(what.contains("finite") || what.contains("first in the output of"), "\(what)")
      #expect(events.filter { $0 == "skipped" }.count == 9)
      #expect(events.suffix(9).allSatisfy { $0 == "skipped" })
      #expect(last.joined().allSatisfy { Float(bitPattern: $0).isFinite })
    }
  }

  /// The first ascent of the loss sends the run back, at most three times.
  @Test func aRollbackTakesOtherBatchesAndEnds() throws {
    try withText { path in
      var trainer = try Trainer(
        smallRecipe(path) {
          $0.training.learningRate = 1e3
          $0.training.steps = 60
          $0.checkpoint.every = 1
          $0.checkpoint.keepLast = 1000
          $0.training.onNonFinite = .rollback
          var options = AdamW.Options()
          options.weightDecay = 10
          $0.training.optimizer = Spec(AdamW.kind, options)
        })
      let folder = try RunFolder(path + "-run", trainer)
      // A checkpoint of the very first state, since a rollback goes a hundred steps back.
      _ = try folder.save(trainer.snapshot)
      var back: [Int] = []
      var epochs: [Double] = []
      let error = #expect(throws: TrainingError.self) {
        try trainer.run { event in
          if case .rolledBack(_, let to) = event { back.append(to) }
          if case .step(let record) = event, record.step == 1 { epochs.append(record.epoch) }
          return .proceed
        } save: {
          try folder.save($0)
        } restore: {
          folder.checkpoint(upTo: $0)
        }
      }
      #expect(error?.exitCode == .diverged)
      #expect(back == [0, 0, 0])
      #expect(epochs.count == 4 && Set(epochs).count == 4)
    }
  }
}
