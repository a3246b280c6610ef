import Testing
import Verdant
import VerdantTestKit

/// Stacks that read in both directions, with sequences of several lengths.
@Suite struct EncoderTests {
  /// Every variant as an encoder.
  static let variants = Variant.all.map { variant in
    var config = variant.config
    config.architecture = .encoder
    config.objective = .maskedLanguageModel
    return Variant(description: variant.description, config: config)
  }
  static let lengths = [12, 5, 1]

  private var counts: Tensor { Tensor(integers: Self.lengths.map(Int32.init), [3]) }

  private func logits(_ model: Transformer, _ ids: [Int32], _ lengths: Tensor?) -> [Double] {
    var context = Context(.inference)
    return model(Tensor(integers: ids, [ids.count / 12, 12]), lengths: lengths, &context).doubles
  }

  /// The numbers of the tokens that exist.
  private func existing(_ values: [Double], _ row: Int) -> ArraySlice<Double> {
    values[row * 156..<row * 156 + Self.lengths[row] * 13]
  }

  @Test(arguments: variants)
  func paddingChangesNothing(_ variant: Variant) throws {
    let model = try variant.model()
    let ids = tokenIds(36, below: 13, seed: 5)
    var other = ids
    for row in 0..<3 {
      for place in Self.lengths[row]..<12 {
        other[row * 12 + place] = (other[row * 12 + place] + 4) % 13
      }
    }
    let (before, after) = (logits(model, ids, counts), logits(model, other, counts))
    for row in 0..<3 {
      #expect(existing(before, row) == existing(after, row))
      let alone = logits(
        model, Array(ids[row * 12..<(row + 1) * 12]),
        Tensor(integers: [Int32(Self.lengths[row])], [1]))
      #expect(
        largestDifference(Array(alone[..<(Self.lengths[row] * 13)]), Array(existing(before, row)))
          < 1e-5)
    }
  }

  @Test func laterTokensAreRead() throws {
    let model = try Self.variants[0].model()
    var ids = tokenIds(12, below: 13, seed: 6)
    let before = logits(model, ids, nil)
    ids[11] = (ids[11] + 1) % 13
    #expect(before[..<13] != logits(model, ids, nil)[..<13])
  }

  /// Hidden tokens as targets, against the f64 definition.
  @Test(arguments: variants)
  func maskedLossEqualsDefinitionInDoublePrecision(_ variant: Variant) throws {
    let model = try variant.model()
    let reference = ReferenceBackend.shared
    var definition = model
    definition.updateParameters { _, parameter in
      parameter.value = reference.tensor(
        doubles: parameter.value.doubles, parameter.value.shape)
    }
    let ids = tokenIds(36, below: 13, seed: 9)
    let targets = ids.enumerated().map { place, id in
      place % 12 < Self.lengths[place / 12] && place % 3 == 0 ? id : -1
    }
    let found = try parts(model, ids, targets, CPUBackend.shared)
    let expected = try parts(definition, ids, targets, reference)
    #expect(abs(found.value - expected.value) < 1e-6)
    for name in expected.gradients.names {
      let gradient = try #require(found.gradients[name])
      let right = try #require(expected.gradients[name])
      #expect(largestDifference(gradient.doubles, right.doubles) < 1e-6, "gradient of \(name)")
    }
  }

  private func parts(
    _ model: Transformer, _ ids: [Int32], _ targets: [Int32], _ backend: any Backend
  ) throws -> (value: Double, gradients: Gradients) {
    var context = Context(.training)
    return valueAndGradients(of: model, &context) { model, context in
      model.loss(
        Tensor(integers: ids, [3, 12], on: backend),
        targets: Tensor(integers: targets, [3, 12], on: backend),
        lengths: Tensor(integers: Self.lengths.map(Int32.init), [3], on: backend), &context)
    }
  }

  @Test func whatAnEncoderCannotDoIsRefused() throws {
    let model = try Self.variants[0].model()
    let error = #expect(throws: ConfigError.self) { try model.initialState() }
    #expect(error?.report.what == "a model with the objective 'masked-lm' cannot generate")
    var config = Variant.base
    config.architecture = .encoder
    let mixed = #expect(throws: ConfigError.self) { try config.build() }
    #expect(mixed?.report.place == "objective")
  }

  /// Both directions cost every pair, a window those within it.
  @Test func costOfAttention() throws {
    func pairs(_ change: (inout ModelConfig) -> Void) throws -> Double {
      var config = ModelConfig(blocks: 1, width: 32, heads: 4, maximumLength: 16)
      change(&config)
      let line = try ModelCost(config).lines.first { $0.name == "attention" }
      return (line?.line.forward ?? 0) / Double(4 * (2 * 2 * 8 + 5))
    }
    #expect(try pairs { _ in } == 136)
    #expect(
      try pairs {
        $0.architecture = .encoder
        $0.objective = .maskedLanguageModel
      } == 256)
    #expect(
      try pairs {
        let options = SoftmaxAttention.Options(heads: 4, window: 4)
        $0.blocks[0].mixer = Spec(SoftmaxAttention.kind, options)
      } == 10 + 12 * 4)
  }
}
