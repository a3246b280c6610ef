import Testing
import Verdant
import VerdantTestKit

/// Two stacks, the second of which reads what the first one gives.
@Suite struct EncoderDecoderTests {
  /// Arrangements, norms and positions that the two stacks can have.
  static let variants: [Variant] = [
    variant("pre-norm") { _ in },
    variant("post-norm") { config in
      for index in config.blocks.indices { config.blocks[index].arrangement = .postNorm }
      for index in config.encoderBlocks.indices {
        config.encoderBlocks[index].arrangement = .postNorm
      }
      config.embedding.positions = .sinusoidal
    },
    variant("rms norm, grouped heads of another width, scale, free head") { config in
      var options = CrossAttention.Options(heads: 4, keyHeads: 2)
      options.headWidth = 3
      options.scale = 0.8
      options.bias = false
      for index in config.blocks.indices {
        config.blocks[index].norm.kind = .rmsNorm
        config.blocks[index].crossAttention = options
      }
      config.finalNorm.kind = .rmsNorm
      config.head = .free
      config.embedding.positions = .none
    },
    variant("relative positions, scores as they are") { config in
      config.embedding.positions = .relative
      config.embedding.relativeHeads = 2
      config.embedding.relativeBuckets = 8
      config.embedding.relativeDistance = 9
      var options = SoftmaxAttention.Options(heads: 2)
      options.scale = 1
      for index in config.blocks.indices {
        config.blocks[index].mixer = Spec(SoftmaxAttention.kind, options)
      }
    },
    variant("rotary, logit scale") { config in
      config.embedding.positions = .rotary
      config.logitScale = 0.35
      config.encoderBlocks.append(config.encoderBlocks[0])
    },
  ]

  private static func variant(_ name: String, _ change: (inout ModelConfig) -> Void) -> Variant {
    var config = Variant.base
    config.architecture = .encoderDecoder
    config.objective = .spanCorruption
    config.encoderBlocks = config.blocks
    for index in config.blocks.indices {
      config.blocks[index].crossAttention = CrossAttention.Options(heads: 2)
    }
    change(&config)
    return Variant(description: name, config: config)
  }

  private static let read = tokenIds(3 * 12, below: 13, seed: 5)
  private static let written = tokenIds(3 * 7, below: 13, seed: 6)
  private static let lengths: [Int32] = [12, 5, 1]

  private func input(
    _ read: [Int32] = Self.read, _ written: [Int32] = Self.written, lengths: Bool = true,
    on backend: any Backend = CPUBackend.shared
  ) -> ModelInput {
    ModelInput(
      Tensor(integers: read, [3, 12], on: backend),
      lengths: lengths ? Tensor(integers: Self.lengths, [3], on: backend) : nil,
      decoder: Tensor(integers: written, [3, written.count / 3], on: backend))
  }

  private func logits(_ model: Transformer, _ input: ModelInput) -> [Double] {
    var context = Context(.inference)
    return model(input, &context).doubles
  }

  @Test(arguments: variants)
  func gradientsEqualDefinitionInDoublePrecision(_ variant: Variant) throws {
    let model = try variant.model()
    let reference = ReferenceBackend.shared
    var definition = model
    definition.updateParameters { _, parameter in
      parameter.value = reference.tensor(
        doubles: parameter.value.doubles, parameter.value.shape)
    }
    let ids = tokenIds(21, below: 13, seed: 9).enumerated().map { $0 % 5 == 4 ? -1 : $1 }
    let parts = [(model, CPUBackend.shared as any Backend), (definition, reference)].map {
      model, backend in
      var context = Context(.training)
      return valueAndGradients(of: model, &context) { model, context in
        model.loss(
          input(on: backend), targets: Tensor(integers: ids, [3, 7], on: backend), &context)
      }
    }
    #expect(abs(parts[0].value - parts[1].value) < 1e-6)
    #expect(parts[0].gradients.names == parts[1].gradients.names)
    #expect(parts[0].gradients.names.count == model.parameters.count)
    for name in parts[1].gradients.names {
      let found = try #require(parts[0].gradients[name]).doubles
      let expected = try #require(parts[1].gradients[name]).doubles
      #expect(largestDifference(found, expected) < 2e-6, "gradient of \(name)")
    }
  }

  @Test(arguments: variants)
  func paddingAndLaterTokensChangeNothing(_ variant: Variant) throws {
    let model = try variant.model()
    let before = logits(model, input())
    var padded = Self.read
    for row in 0..<3 {
      for place in Int(Self.lengths[row])..<12 {
        padded[row * 12 + place] = (padded[row * 12 + place] + 4) % 13
      }
    }
    #expect(logits(model, input(padded)) == before)
    #expect(logits(model, input(padded, lengths: false)) != before)
    var later = Self.written
    for row in 0..<3 { later[row * 7 + 6] = (later[row * 7 + 6] + 1) % 13 }
    let after = logits(model, input(Self.read, later))
    for row in 0..<3 {
      let range = row * 91..<row * 91 + 78
      #expect(largestDifference(Array(after[range]), Array(before[range])) < 1e-6)
    }
    // What the encoder reads matters.
    var other = Self.read
    other[0] = (other[0] + 1) % 13
    #expect(logits(model, input(other))[..<91] != before[..<91])
    // Rows are independent.
    #expect(
      largestDifference(Array(logits(model, input(other))[91...]), Array(before[91...])) < 1e-6)
  }

  @Test(arguments: variants)
  func decodingEqualsTheWhole(_ variant: Variant) throws {
    let model = try variant.model()
    let whole = logits(model, input())
    var context = Context(.inference)
    var state = try model.initialState(reading: input(), &context)
    for place in [0, 1, 4] {
      let end = place == 4 ? 7 : place == 1 ? 4 : 1
      let ids = (0..<3).flatMap { Self.written[$0 * 7 + place..<$0 * 7 + end] }
      let step = model.step(Tensor(integers: ids, [3, end - place]), &state, &context).doubles
      for row in 0..<3 {
        let at = (row * 7 + end - 1) * 13
        #expect(
          largestDifference(Array(step[row * 13..<row * 13 + 13]), Array(whole[at..<at + 13]))
            < 1e-5, "row \(row), token \(end)")
      }
    }
    #expect(throws: ConfigError.self) { try model.initialState() }
  }

  @Test(arguments: variants)
  func checkpointedBlocksGiveTheSameGradients(_ variant: Variant) throws {
    let model = try variant.model()
    let targets = Tensor(integers: Self.written, [3, 7])
    let parts: [(value: Double, gradients: Gradients)] = [false, true].map { checkpoints in
      var context = Context(.training)
      context.checkpointsBlocks = checkpoints
      return valueAndGradients(of: model, &context) { $0.loss(input(), targets: targets, &$1) }
    }
    #expect(parts[0].value == parts[1].value)
    for name in parts[0].gradients.names {
      // What several blocks read of the encoder is added up in another order.
      let (a, b) = (
        try #require(parts[0].gradients[name]), try #require(parts[1].gradients[name])
      )
      #expect(largestDifference(a.doubles, b.doubles) < 1e-7, "\(name)")
    }
  }

  @Test func configurationRoundTripAndRules() throws {
    for variant in Self.variants {
      var reader = SettingsReader()
      #expect(ModelConfig.read(variant.config.json, at: "", &reader) == variant.config)
      try reader.finish()
    }
    func place(_ change: (inout ModelConfig) -> Void) -> String? {
      var config = Self.variants[0].config
      change(&config)
      let error = #expect(throws: ConfigError.self) {
        try Transformer(config, random: RandomSource(seed: 0))
      }
      return error?.report.place
    }
    #expect(place { $0.encoderBlocks = [] } == "encoder_blocks")
    #expect(place { $0.blocks[1].crossAttention = nil } == "blocks[1].cross_attention")
    #expect(
      place { $0.encoderBlocks[0].crossAttention = .init() } == "encoder_blocks[0].cross_attention")
    #expect(place { $0.objective = .causalLanguageModel } == "objective")
    #expect(place { $0.architecture = .decoder } == "objective")
    #expect(place { $0.blocks[0].arrangement = .parallel } == "blocks.0")
    #expect(place { $0.blocks[0].crossAttention?.heads = 3 } == "blocks.0.crossAttention")
  }

  /// A decoder that has to read its encoder: it copies what was read.
  @Test func learnsToCopy() throws {
    var config = Self.variants[0].config
    config.width = 32
    config.maximumLength = 6
    for index in config.blocks.indices {
      config.blocks[index].crossAttention = CrossAttention.Options(heads: 4)
    }
    var model = try Transformer(config, random: RandomSource(seed: 1))
    var optimizer: any Optimizer = AdamW(AdamW.Options())
    var losses: [Double] = []
    for step in 0..<300 {
      let ids: [Int32] = tokenIds(16 * 6, below: 12, seed: UInt64(step))
      let shifted: [Int32] = ids.indices.map { $0 % 6 == 0 ? Int32(12) : ids[$0 - 1] }
      let input = ModelInput(
        Tensor(integers: ids, [16, 6]), decoder: Tensor(integers: shifted, [16, 6]))
      var context = Context(.training)
      let found = valueAndGradients(of: model, &context) {
        $0.loss(input, targets: Tensor(integers: ids, [16, 6]), &$1)
      }
      losses.append(found.value)
      optimizer.update(&model, found.gradients, rate: 3e-3, gradientScale: 1)
    }
    // Without reading the encoder no token is known better than by chance, 2.48 nats.
    let mean: Double = losses.suffix(10).reduce(0, +) / 10
    #expect(mean < 0.5, "\(mean)")
  }
}
