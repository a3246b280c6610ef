import Testing
import Verdant
import VerdantTestKit

/// Corrections of low rank beside frozen maps.
@Suite struct AdapterTests {
  private static func config(_ options: LoRA.Options = .init(rank: 3, alpha: 6)) -> ModelConfig {
    var config = Variant.base
    config.structures = [
      StructureRule(match: "blocks.*.mixer.*", Spec(LoRA.kind, options)),
      StructureRule(match: "blocks.1.feedForward.up", Spec(LoRA.kind, options)),
    ]
    return config
  }

  private static func trained(_ model: Transformer) -> Transformer {
    var model = model
    model.updateParameters { name, parameter in
      guard name.hasSuffix("loraUp") else { return }
      parameter.value = normal(parameter.value.shape, 5, deviation: 0.3)
    }
    return model
  }

  private let ids = tokenIds(12, below: 13, seed: 2)

  @Test func aFreshCorrectionChangesNothing() throws {
    let plain = try Transformer(Variant.base, random: RandomSource(seed: 1))
    let model = try Transformer(Self.config(), random: RandomSource(seed: 1))
    #expect(largestDifference(model.logits(ids), plain.logits(ids)) < 1e-6)
    let new = model.parameterCount - plain.parameterCount
    // Eight maps of 8 x 8 and one of 8 x 32, rank 3.
    #expect(new == 8 * 3 * 16 + 3 * 40)
  }

  @Test(arguments: [
    LoRA.Options(rank: 3, alpha: 6), .init(rank: 4, alpha: 2, isRankStabilized: true),
  ])
  func mergedIsTheSameFunction(_ options: LoRA.Options) throws {
    let model = Self.trained(
      try Transformer(Self.config(options), random: RandomSource(seed: 1)))
    let merged = try model.mergingAdapters()
    #expect(merged.config == Variant.base)
    #expect(largestDifference(model.logits(ids), merged.logits(ids)) < 1e-5)
    let plain = try Transformer(Variant.base, random: RandomSource(seed: 1))
    #expect(largestDifference(merged.logits(ids), plain.logits(ids)) > 1e-3)
    #expect(throws: ConfigError.self) { try merged.mergingAdapters() }
    let expected = options.isRankStabilized ? 1.0 : 2.0
    #expect(options.scale == expected)
  }

  @Test func frozenMapsHaveNoGradient() throws {
    var model = Self.trained(try Transformer(Self.config(), random: RandomSource(seed: 1)))
    func names() -> [String] {
      var context = Context(.training)
      let tokens = Tensor(integers: ids, [1, 12])
      return valueAndGradients(of: model, &context) {
        $0.loss(tokens, targets: tokens, &$1)
      }.gradients.names
    }
    #expect(!names().contains("blocks.0.mixer.query.weight"))
    #expect(names().contains("blocks.0.feedForward.up.weight"))
    try model.train(only: ["**.lora*"])
    #expect(names().count == 18 && names().allSatisfy { $0.contains(".lora") })
    let error = #expect(throws: ConfigError.self) {
      try model.train(only: ["**.lora*", "nothing"])
    }
    #expect(error?.report.place == "training.trainable[1]")
  }

  @Test func aRankBeyondTheWidthIsRefused() throws {
    let error = #expect(throws: ConfigError.self) {
      try Transformer(Self.config(.init(rank: 9)), random: RandomSource(seed: 1))
    }
    #expect(error?.report.rule?.contains("8") == true)
  }
}
