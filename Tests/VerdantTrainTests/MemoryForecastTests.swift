import Foundation
import Testing
import Verdant
import VerdantTestKit

/// The forecast against what a process of its own really took, and what follows from it.
@Suite(.serialized) struct MemoryForecastTests {
  private func checkForecast(
    least: Int, test: String = #function, _ change: (inout Recipe) -> Void
  ) throws {
    try OwnProcess.perform(test: test) {
      try withText(String(repeating: sampleText, count: 20)) { path in
        var trainer = try Trainer(
          smallRecipe(path) {
            $0.training.steps = 3
            $0.evaluation.windows = 32
            change(&$0)
          })
        _ = try trainer.run { _ in .proceed }
        let ratio =
          Double(trainer.start.memory.total) / Double(Compute.peakResidentByteCount)
        #expect(abs(ratio - 1) < 0.1, "\(trainer.start.memory.json)")
        #expect(Compute.peakResidentByteCount > least)
      }
    }
  }

  @Test func forecastOfALargeBatch() throws {
    try checkForecast(least: 500_000_000) {
      $0.model.layers = 4
      $0.model.width = 64
      $0.model.context = 256
      $0.training.batch = 128
      $0.training.steps = 2
      $0.data.validationFraction = 0
    }
  }

  @Test func forecastOfAGatedModel() throws {
    try checkForecast(least: 150_000_000) {
      $0.model.layers = 3
      $0.model.width = 96
      $0.model.context = 256
      $0.model.norm = .rmsNorm
      $0.model.positions = .rotary
      $0.model.feedForward = .gatedMLP
      $0.model.keyHeads = 2
      $0.model.head = .free
      $0.model.order = [0, 1, 2, 1]
      $0.training.batch = 32
      $0.training.steps = 2
      $0.data.validationFraction = 0
    }
  }

  @Test func forecastOfALowRankModel() throws {
    try checkForecast(least: 80_000_000) {
      $0.model.layers = 4
      $0.model.width = 192
      $0.model.context = 128
      $0.model.structures = [
        StructureRule(match: "**.feedForward.*", Spec(LowRank.kind, LowRank.Options(rank: 16)))
      ]
      $0.training.batch = 8
    }
  }

  @Test func forecastOfAccumulation() throws {
    try checkForecast(least: 80_000_000) {
      $0.model.layers = 3
      $0.model.width = 256
      $0.model.context = 128
      $0.model.dropout = 0.1
      $0.training.batch = 4
      $0.training.accumulation = 3
    }
  }

  @Test func whatDoesNotFitIsRefusedWithWhatWould() throws {
    try OwnProcess.perform {
      let recipe = smallRecipe("/nonexistent") {
        $0.model.width = 512
        $0.model.layers = 12
        $0.model.context = 256
        $0.training.batch = 64
      }
      let before = Compute.blocksTaken
      let plan = try TrainingPlan(recipe)
      let limits = [MemoryLimit("a made-up limit", 2_000_000_000), MemoryLimit("another", 1 << 50)]
      let error = #expect(throws: ConfigError.self) { try plan.checkMemory(limits) }
      #expect(error?.exitCode == .insufficientResources)
      let text = error?.description ?? ""
      #expect(text.contains("a made-up limit") && text.contains("batch 64 needs"), "\(text)")
      // What is advised fits, and keeps the sequences of a step.
      var smaller = recipe
      let found = try #require(text.firstMatch(of: /training.batch=(\d+)/)?.1)
      smaller.training.batch = try #require(Int(found))
      #expect(text.contains("training.accumulation=\(64 / smaller.training.batch)"))
      try TrainingPlan(smaller).checkMemory(limits)
      smaller.training.batch *= 2
      #expect(throws: ConfigError.self) { try TrainingPlan(smaller).checkMemory(limits) }
      // Nothing was computed with numbers.
      #expect(Compute.blocksTaken == before)
    }
  }

  @Test func adviceBelowBatchOne() throws {
    let recipe = smallRecipe("/nonexistent") {
      $0.model.width = 512
      $0.model.context = 2048
    }
    let plan = try TrainingPlan(recipe)
    for (bytes, part) in [
      (250_000_000, "model.context="), (110_000_000, "model.width smaller"), (1000, "alone take"),
    ] {
      let error = #expect(throws: ConfigError.self) {
        try plan.checkMemory([MemoryLimit("little", bytes)])
      }
      #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }
  }

  @Test func allTextCounts() throws {
    try withTemporaryFolder { folder in
      for name in ["a", "b"] {
        try put([65], "\(folder)/\(name).txt")
        // A hole takes no space on disk.
        try #require(truncate("\(folder)/\(name).txt", 1 << 40) == 0)
      }
      let plan = try TrainingPlan(smallRecipe(folder))
      #expect(plan.memory.data == 10 << 40)
      let error = #expect(throws: ConfigError.self) { try Trainer(smallRecipe(folder)) }
      #expect(error?.description.contains("less text") == true)
    }
  }

  @Test(arguments: [12, 48])
  func theWasteOfThePoolIsSmall(_ layers: Int) throws {
    var settings = TrainingSettings()
    settings.batch = 2
    let config = ModelConfig(
      blocks: layers, width: 768, heads: 12, maximumLength: 1024, vocabulary: 50_304)
    let forecast = try MemoryForecast(config, settings)
    #expect(forecast.pool < forecast.total / 6, "\(forecast.json)")
  }
}
