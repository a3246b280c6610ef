import Testing
import Verdant
import VerdantTestKit

/// Images as sequences of patches.
@Suite struct PatchTests {
  private func config(_ pooling: Pooling) -> ModelConfig {
    var config = Variant.base
    config.architecture = .encoder
    config.input = .patches
    config.objective = .classification
    config.patches = PatchConfig(height: 4, width: 6, channels: 2, size: 2)
    config.classification = ClassificationConfig(classes: 3, pooling: pooling)
    return config
  }

  @Test func patchesByHand() {
    let size = PatchConfig(height: 2, width: 4, channels: 2, size: 2)
    // Channel 0: rows 0 1 2 3 and 4 5 6 7; channel 1 the same plus 10.
    let image = (0..<8).map(Float.init) + (0..<8).map { Float($0) + 10 }
    #expect(
      size.patches(of: image)
        == [0, 1, 4, 5, 10, 11, 14, 15, 2, 3, 6, 7, 12, 13, 16, 17])
    #expect(size.count == 2 && size.numbers == 8)
    #expect(size.patches(of: []) == [])
  }

  @Test(arguments: [Pooling.first, .mean, .maximum])
  func gradientsEqualDefinitionInDoublePrecision(_ pooling: Pooling) throws {
    let config = config(pooling)
    let model = try Transformer(config, random: RandomSource(seed: 3))
    #expect(model.parameters.contains { $0.name == "embedding.classToken" } == (pooling == .first))
    #expect(!model.parameters.contains { $0.name == "embedding.tokens" })
    let reference = ReferenceBackend.shared
    var definition = model
    definition.updateParameters { _, parameter in
      parameter.value = reference.tensor(
        doubles: parameter.value.doubles, parameter.value.shape)
    }
    let images = normal([5, 6, 8], 4)
    let parts = [(model, CPUBackend.shared as any Backend), (definition, reference)].map {
      model, backend in
      let input =
        backend is CPUBackend
        ? images : reference.tensor(doubles: images.doubles, images.shape)
      let classes = Tensor(integers: [0, 2, 1, -1, 1], [5], on: backend)
      var context = Context(.training)
      return valueAndGradients(of: model, &context) {
        $0.loss(ModelInput(input), targets: classes, &$1)
      }
    }
    #expect(abs(parts[0].value - parts[1].value) < 1e-6)
    #expect(parts[0].gradients.names.count == model.parameters.count)
    for name in parts[1].gradients.names {
      let found = try #require(parts[0].gradients[name]).doubles
      let expected = try #require(parts[1].gradients[name]).doubles
      #expect(largestDifference(found, expected) < 1e-5, "gradient of \(name)")
    }
  }

  @Test func imagesAreIndependent() throws {
    let model = try Transformer(config(.first), random: RandomSource(seed: 3))
    let images = normal([3, 6, 8], 4)
    var context = Context(.inference)
    let all = model(ModelInput(images), &context)
    #expect(all.shape == [3, 3])
    let last = model(ModelInput(images[2..<3]), &context)
    #expect(largestDifference(Array(all.doubles[6...]), last.doubles) < 1e-6)
  }

  @Test func rules() throws {
    func place(_ change: (inout ModelConfig) -> Void) -> String? {
      var config = config(.first)
      change(&config)
      let error = #expect(throws: ConfigError.self) {
        try Transformer(config, random: RandomSource(seed: 0))
      }
      return error?.report.place
    }
    #expect(place { $0.patches?.size = 3 } == "patches.size")
    #expect(place { $0.maximumLength = 6 } == "maximum_length")
    #expect(place { $0.patches = nil } == "patches")
    #expect(place { $0.architecture = .decoder } == "input")
    #expect(place { $0.input = .tokens } == "patches")
    var reader = SettingsReader()
    #expect(ModelConfig.read(config(.mean).json, at: "", &reader) == config(.mean))
    try reader.finish()
  }

  @Test func costCountsPatches() throws {
    let cost = try ModelCost(config(.mean), length: 6)
    #expect(cost.tokens == 6 && cost.forwardPerToken > 0)
  }
}
