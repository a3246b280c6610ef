import Foundation
import Testing
import Verdant
import VerdantTestKit

@discardableResult
private func train(_ trainer: inout Trainer) throws -> [StepRecord] {
  var steps: [StepRecord] = []
  _ = try trainer.run { event in
    if case .step(let record) = event { steps.append(record) }
    return .proceed
  }
  return steps
}

extension Transformer {
  /// The bits of all parameters.
  var bits: [[UInt32]] { parameters.map { $0.parameter.value.floats.map(\.bitPattern) } }
}

@Suite struct TrainerTests {
  @Test func theSameSeedGivesTheSameBits() throws {
    try withText { path in
      func run(_ seed: Int) throws -> ([[UInt32]], [Double]) {
        var trainer = try Trainer(
          smallRecipe(path) {
            $0.training.seed = seed
            $0.model.dropout = 0.1
            $0.training.accumulation = 2
          }
        )
        let steps = try train(&trainer)
        return (trainer.model.bits, steps.map(\.loss))
      }
      let first = try run(1)
      let second = try run(1)
      #expect(first.0 == second.0)
      #expect(first.1 == second.1)
      #expect(try run(2).0 != first.0)
    }
  }

  // The number of threads belongs to the process, so it is chosen in one of its own.
  @Test func trainingByOneAndTwoThreadsGivesTheSameBits() throws {
    try OwnProcess.perform {
      for library in [true, false] { try expectSameBits(library) }
    }
  }

  private func expectSameBits(_ library: Bool) throws {
    Compute.useProductLibrary(library)
    try withText { path in
      let results = try [1, 2].map { threads in
        Compute.threadCount = threads
        var trainer = try Trainer(
          smallRecipe(path) {
            // Large enough that every product is cut into several tiles.
            $0.model.width = 96
            $0.model.context = 64
            $0.model.structures = [
              StructureRule(
                match: "blocks.1.feedForward.*",
                Spec(LowRank.kind, LowRank.Options(rank: 24))
              )
            ]
            $0.training.batch = 8
            $0.training.steps = 5
            $0.model.dropout = 0.1
          }
        )
        let steps = try train(&trainer)
        return (trainer.model.bits, steps.map(\.loss), steps.map(\.gradientNorm))
      }
      #expect(results[0].0 == results[1].0)
      #expect(results[0].1 == results[1].1)
      #expect(results[0].2 == results[1].2)
    }
  }

  @Test func accumulationEqualsALargerBatch() throws {
    try withText { path in
      func run(_ batch: Int, _ accumulation: Int) throws -> (Trainer, [StepRecord]) {
        var trainer = try Trainer(
          smallRecipe(path) {
            $0.training.batch = batch
            $0.training.accumulation = accumulation
          }
        )
        let steps = try train(&trainer)
        return (trainer, steps)
      }
      let whole = try run(8, 1)
      for (batch, parts) in [(4, 2), (2, 4), (1, 8)] {
        let split = try run(batch, parts)
        for (a, b) in zip(whole.1, split.1) {
          #expect(abs(a.loss - b.loss) < 1e-6 * a.loss)
          #expect(abs(a.gradientNorm - b.gradientNorm) < 1e-5 * a.gradientNorm)
          #expect(a.tokens == b.tokens && a.epoch == b.epoch)
        }
        for (a, b) in zip(whole.0.model.parameters, split.0.model.parameters)
        where !a.name.hasSuffix("key.bias") {
          let difference = zip(a.parameter.value.floats, b.parameter.value.floats)
            .reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
          #expect(difference < 1e-4, "\(a.name)")
        }
      }
    }
  }

  @Test func theLossFalls() throws {
    try withText { path in
      var trainer = try Trainer(
        smallRecipe(path) {
          $0.training.steps = 150
          $0.training.learningRate = 1e-2
          $0.training.batch = 8
          $0.evaluation.every = 50
        }
      )
      var evaluations: [(Int, Double)] = []
      var losses: [Double] = []
      let result = try trainer.run { event in
        switch event {
        case .step(let record): losses.append(record.loss)
        case .evaluated(let evaluation, let step):
          evaluations.append((step, evaluation.bitsPerByte))
        default: break
        }
        return .proceed
      }
      #expect(abs(losses[0] - log(257)) < 0.2)
      #expect(losses[149] < 3.2)
      #expect(evaluations.map(\.0) == [50, 100, 150])
      #expect(evaluations[2].1 < evaluations[0].1 && evaluations[2].1 < 4.8)
      #expect(result.steps == 150 && !result.wasStopped && result.loss == losses[149])
      #expect(result.evaluation?.bitsPerByte == evaluations[2].1)
      #expect(result.tokens == 150 * 8 * 16)
    }
  }

  /// Rates differ, because steps have lengths of their own.
  @Test func theLossFallsByEveryOptimizer() throws {
    let rates = ["sgd": 0.3, "lamb": 3e-2]
    for type in Catalog.optimizers {
      try withText { path in
        var trainer = try Trainer(
          smallRecipe(path) {
            $0.training.steps = 60
            $0.training.learningRate = rates[type.kind] ?? 1e-2
            $0.training.batch = 8
            $0.training.optimizer = Spec(type.kind)
          }
        )
        let losses = try train(&trainer).map(\.loss)
        #expect(losses[59] < 0.75 * losses[0], "\(type.kind): \(losses[59])")
      }
    }
  }

  @Test func arithmeticOfARun() throws {
    try withText { path in
      let recipe = smallRecipe(path) {
        $0.training.steps = nil
        $0.training.tokens = 1000
        $0.training.accumulation = 3
        $0.training.schedule.warmupSteps = 2
      }
      var trainer = try Trainer(recipe)
      #expect(trainer.start.tokensPerStep == 4 * 3 * 16)
      #expect(trainer.start.steps == 6)
      #expect(trainer.start.parameterCount == trainer.model.parameterCount)
      #expect(trainer.start.parameterCount == 257 * 16 + 16 * 16 + 2 * (12 * 256 + 13 * 16) + 32)
      let cost = try ModelCost(recipe.model.config(vocabulary: 257))
      #expect(trainer.start.trainingFlopsPerToken == cost.trainingPerToken)
      let all = trainer.start.trainingTokens + trainer.start.validationTokens
      #expect(all == sampleText.utf8.count + 2)
      let steps = try train(&trainer)
      #expect(steps.map(\.step) == Array(1...6))
      #expect(steps.map(\.tokens) == (1...6).map { $0 * 192 })
      let samples = Double((trainer.start.trainingTokens - 1) / 16)
      #expect(steps.map(\.epoch) == (1...6).map { Double($0 * 12) / samples })
      #expect(steps[0].learningRate == 1.5e-3 && steps[1].learningRate == 3e-3)

      let flops = try Trainer(
        smallRecipe(path) {
          $0.training.steps = nil
          $0.training.flops = cost.trainingPerToken * 64 * 9.6
        }
      )
      #expect(flops.start.steps == 10)
    }
  }

  /// Weights that grow ten-thousandfold a step: the loss is not finite after some.
  @Test func divergenceLeavesTheWeightsAlone() throws {
    try withText { path in
      var trainer = try Trainer(
        smallRecipe(path) {
          $0.training.learningRate = 1e3
          $0.training.steps = 50
          $0.checkpoint.every = 1
          $0.training.onNonFinite = .stop
          var options = AdamW.Options()
          options.weightDecay = 10
          $0.training.optimizer = Spec(AdamW.kind, options)
        }
      )
      var last = trainer.model.bits
      var steps = 0
      let error = #expect(throws: TrainingError.self) {
        try trainer.run { event in
          if case .step(let record) = event {
            steps += 1
            #expect(record.loss.isFinite && record.gradientNorm.isFinite)
          }
          return .proceed
        } save: { snapshot in
          last = snapshot.model.bits
          return nil
        }
      }
      #expect(error?.exitCode == .diverged)
      #expect(error?.report.place == "step \(steps + 1)")
      #expect(trainer.model.bits == last)
    }
  }

  @Test func anObserverStopsTheRun() throws {
    try withText { path in
      var trainer = try Trainer(smallRecipe(path))
      let before = trainer.model.bits
      var events: [String] = []
      let result = try trainer.run { event in
        events.append(event.name)
        if case .step(let record) = event, record.step == 3 { return .stop }
        return .proceed
      }
      #expect(events == ["start", "step", "step", "step"])
      #expect(result.wasStopped && result.steps == 3 && result.evaluation == nil)
      #expect(trainer.model.bits != before)
      var second = try Trainer(smallRecipe(path))
      let none = try second.run { _ in .stop }
      #expect(none.wasStopped && none.steps == 0 && none.loss.isNaN && none.tokens == 0)
      #expect(second.model.bits == before)
    }
  }

  @Test func checkpointsComeAtTheirSteps() throws {
    try withText { path in
      var trainer = try Trainer(smallRecipe(path) { $0.checkpoint.every = 3 })
      var saved: [Int] = []
      var events: [Int] = []
      _ = try trainer.run { event in
        if case .saved(_, let step) = event { events.append(step) }
        return .proceed
      } save: { snapshot in
        saved.append(snapshot.step)
        return snapshot.step == 3 ? "x" : nil
      }
      #expect(saved == [3, 6, 8])
      #expect(events == [3])
    }
  }

  @Test func textsThatDoNotSuffice() throws {
    try withText("short") { path in
      let error = #expect(throws: DataError.self) { try Trainer(smallRecipe(path)) }
      #expect(error?.kind == .tooShort)
      #expect(error?.report.file == path)
    }
    let error = #expect(throws: DataError.self) { try Trainer(smallRecipe("/nonexistent")) }
    #expect(error?.exitCode == .missingInput)
    try withText { path in
      #expect(throws: DataError.self) {
        try Trainer(smallRecipe(path) { $0.data.validation = ["/nonexistent"] })
      }
      let trainer = try Trainer(smallRecipe(path) { $0.data.validationFraction = 0 })
      #expect(trainer.validation == nil && trainer.start.validationTokens == 0)
    }
  }

  /// What no machine can hold is refused before anything is taken.
  @Test func modelsBeyondTheMemoryAreRefused() throws {
    let changes: [(inout Recipe) -> Void] = [
      {
        $0.model.width = 65_536; $0.model.layers = 4096
      },
      {
        $0.model.context = 1 << 24; $0.training.batch = 1 << 20
      },
      {
        $0.model.hidden = 1 << 24; $0.model.width = 65_536
      },
      {
        $0.training.batch = 1 << 20; $0.model.context = 1 << 16
      },
      {
        $0.model.hidden = 1 << 24
        $0.model.width = 16_384
        $0.model.layers = 1
        $0.model.structures = [
          StructureRule(match: "**.feedForward.*", Spec(LowRank.kind, LowRank.Options(rank: 1)))
        ]
      },
    ]
    for (index, change) in changes.enumerated() {
      let error = #expect(throws: ConfigError.self, "change \(index)") {
        try Trainer(smallRecipe("/nonexistent", change))
      }
      #expect(error?.kind == .insufficientResources)
      #expect(error?.exitCode == .insufficientResources)
    }
  }

  @Test func medians() {
    #expect(median([3, 1, 2]) == 2)
    #expect(median([4, 1, 2, 3]) == 2.5)
    #expect(median([7]) == 7)
    #expect(median([]).isNaN)
  }

  @Test func stepsCopyNothingAndTakeNoBlock() throws {
    try OwnProcess.perform {
      Compute.threadCount = 1
      for type in Catalog.optimizers {
        try expectNoCopyAndNoBlock(Spec(type.kind))
      }
    }
  }

  private func expectNoCopyAndNoBlock(_ optimizer: Spec) throws {
    try withText { path in
      var trainer = try Trainer(
        smallRecipe(path) {
          $0.training.steps = 10
          $0.training.accumulation = 2
          $0.training.optimizer = optimizer
        }
      )
      var copied: [Int] = []
      var blocks: [Int] = []
      _ = try trainer.run { event in
        if case .step = event {
          copied.append(CopyCounter.shared.byteCount)
          blocks.append(Compute.blocksTaken)
        }
        return .proceed
      }
      #expect(Set(copied).count == 1, "\(optimizer.kind) \(copied)")
      #expect(Set(blocks.dropFirst()).count == 1, "\(optimizer.kind) \(blocks)")
    }
  }
}
