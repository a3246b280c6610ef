import Testing
import Verdant
import VerdantTestKit

/// Blocks that are used again, and blocks that training leaves out.
@Suite struct DepthTests {
  private let ids = Tensor(integers: tokenIds(24, below: 13, seed: 4), [2, 12])

  private func gradients(_ model: Transformer, _ context: Context) -> (Double, Gradients) {
    var context = context
    let found = valueAndGradients(of: model, &context) { model, context in
      model.loss(ids, targets: ids, &context)
    }
    return (found.value, found.gradients)
  }

  /// A shared block is as several equal ones, and its gradient their sum.
  @Test func sharedBlocksEqualCopies() throws {
    var config = Variant.base
    config.order = [0, 1, 0, 1, 1]
    let shared = try Variant(description: "", config: config).model()
    var copies = Variant.base
    copies.blocks = Array(repeating: copies.blocks[0], count: 5)
    var plain = try copies.build()
    let values = Dictionary(
      uniqueKeysWithValues: shared.parameters.map { ($0.name, $0.parameter.value) })
    func source(_ name: String) -> String {
      for (place, index) in [0, 1, 0, 1, 1].enumerated().reversed()
      where name.hasPrefix("blocks.\(place).") {
        return "blocks.\(index)." + name.dropFirst("blocks.0.".count)
      }
      return name
    }
    plain.updateParameters { name, parameter in
      if let value = values[source(name)] { parameter.value = value }
    }
    let found = gradients(shared, Context(.training))
    let expected = gradients(plain, Context(.training))
    #expect(found.0 == expected.0)
    for name in found.1.names {
      let sum = expected.1.names.filter { source($0) == name }
        .compactMap { expected.1[$0] }.reduce(Tensor.zeros([1])) { $0 + $1 }
      let gradient = try #require(found.1[name])
      #expect(largestDifference(gradient.doubles, sum.doubles) < 1e-6, "\(name)")
    }
    #expect(shared.parameterCount == (try Variant.base.build().parameterCount))
    let cost = try ModelCost(config).forwardPerToken
    #expect(cost == (try ModelCost(copies).forwardPerToken))
    #expect(
      try MemoryNeed(config).training(batch: 1, length: 12)
        > MemoryNeed(Variant.base).training(batch: 1, length: 12))
  }

  @Test(arguments: [
    ([], "block 0 is never used"), ([0, 2], "block 2 of 2"), ([-1, 0, 1], "block -1 of 2"),
    ([1, 1], "block 0 is never used"), (Array(repeating: 0, count: 5000), "5000 uses"),
  ])
  func impossibleOrdersAreRefused(_ order: [Int], _ what: String) throws {
    var config = Variant.base
    config.order = order
    let error = #expect(throws: ConfigError.self) { try config.build() }
    #expect(error?.report.what.contains(what) == true, "\(error?.description ?? "")")
    #expect(error?.report.place == "order")
  }

  @Test func orderStandsInTheFile() throws {
    var config = Variant.base
    config.order = [1, 0, 1]
    config.stochasticDepth = 0.25
    var reader = SettingsReader()
    #expect(ModelConfig.read(config.json, at: "", &reader) == config)
    try reader.finish()
  }

  /// A sequence keeps a part at `1 / (1 - rate)` or loses it, whatever the others do.
  @Test func sequencesLoseWholeParts() throws {
    var config = ModelConfig(blocks: 1, width: 8, heads: 2, maximumLength: 12, vocabulary: 13)
    config.blocks[0].arrangement = .parallel
    config.blocks[0].norm.kind = .rmsNorm
    let model = try Variant(description: "", config: config).model()
    let x = normal([64, 12, 8], 5)
    var inference = Context(.inference)
    let part = model.blocks[0](x, .causal, leavingOut: 0.25, &inference) - x
    #expect(part.floats == (model.blocks[0](x, .causal, &inference) - x).floats)
    var training = Context(.training, random: RandomSource(seed: 11))
    let found = model.blocks[0](x, .causal, leavingOut: 0.25, &training) - x
    var lost = 0
    for row in 0..<64 {
      let (own, whole) = (found[row..<row + 1].doubles, part[row..<row + 1].doubles)
      if own.allSatisfy({ $0 == 0 }) {
        lost += 1
      } else {
        #expect(largestDifference(own, whole.map { $0 / 0.75 }) < 1e-5)
      }
    }
    // 16 of 64 in the mean, with a deviation of 3.5.
    #expect((4...28).contains(lost))
  }

  @Test(arguments: BlockConfig.Arrangement.allCases)
  func lossesOfPartsAgreeWithTheDefinition(_ arrangement: BlockConfig.Arrangement) throws {
    var config = Variant.base
    config.stochasticDepth = 0.6
    for index in config.blocks.indices { config.blocks[index].arrangement = arrangement }
    let model = try Variant(description: "", config: config).model()
    let reference = ReferenceBackend.shared
    var definition = model
    definition.updateParameters { _, parameter in
      parameter.value = reference.tensor(doubles: parameter.value.doubles, parameter.value.shape)
    }
    let moved = Tensor(integers: ids.integers, [2, 12], on: reference)
    for seed in 0..<4 {
      let context = Context(.training, random: RandomSource(seed: UInt64(seed)))
      let found = gradients(model, context)
      var again = context
      let expected = valueAndGradients(of: definition, &again) { model, context in
        model.loss(moved, targets: moved, &context)
      }
      #expect(abs(found.0 - expected.value) < 1e-6)
      for name in expected.gradients.names {
        let (a, b) = (found.1[name]?.doubles ?? [], expected.gradients[name]?.doubles ?? [])
        #expect(largestDifference(a, b) < 1e-6, "\(name)")
      }
      // Every parameter has a gradient whatever was left out, and checkpoints draw the same.
      #expect(found.1.names.count == model.parameters.count)
      var checkpoints = context
      checkpoints.checkpointsBlocks = true
      let kept = gradients(model, checkpoints)
      #expect(kept.0 == found.0)
      for name in found.1.names { #expect(kept.1[name]?.floats == found.1[name]?.floats) }
    }
  }

  /// Smoothing changes training alone.
  @Test func smoothedTargets() throws {
    let model = try Variant.base.build()
    func loss(_ mode: Context.Mode, _ smoothing: Double) -> Double {
      var context = Context(mode)
      context.labelSmoothing = smoothing
      return model.loss(ids, targets: ids, &context).scalar
    }
    #expect(loss(.inference, 0.5) == loss(.inference, 0))
    #expect(loss(.training, 0) == loss(.inference, 0))
    #expect(loss(.training, 0.5) != loss(.training, 0))
  }
}
