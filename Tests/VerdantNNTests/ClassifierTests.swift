import Testing
import Verdant
import VerdantTestKit

@Suite struct ClassifierTests {
  private func config(_ pooling: Pooling, decoder: Bool = false) -> ModelConfig {
    var model = Variant.base
    if !decoder { model.architecture = .encoder }
    model.objective = .classification
    model.classification = ClassificationConfig(classes: 3, pooling: pooling)
    // One of them has a pooler as BERT does, another classes without a bias as GPT-2 does.
    model.classification?.transform = pooling == .first ? .tanh : nil
    model.classification?.bias = pooling != .last
    return model
  }

  private let ids = tokenIds(48, below: 13, seed: 3)
  private let lengths: [Int32] = [12, 7, 1, 4]

  private func tensors(_ ids: [Int32], on backend: any Backend = CPUBackend.shared) -> (
    ids: Tensor, lengths: Tensor
  ) {
    (Tensor(integers: ids, [4, 12], on: backend), Tensor(integers: lengths, [4], on: backend))
  }

  @Test(arguments: Pooling.allCases)
  func gradientsEqualDefinitionInDoublePrecision(_ pooling: Pooling) throws {
    let model = try Transformer(config(pooling), random: RandomSource(seed: 3))
    var definition = model
    definition.updateParameters { _, parameter in
      parameter.value = ReferenceBackend.shared.tensor(
        doubles: parameter.value.doubles, parameter.value.shape)
    }
    let parts = [(model, CPUBackend.shared as any Backend), (definition, ReferenceBackend.shared)]
      .map { model, backend in
        let input = tensors(ids, on: backend)
        let classes = Tensor(integers: [2, 0, -1, 1], [4], on: backend)
        var context = Context(.training)
        return valueAndGradients(of: model, &context) { model, context in
          model.loss(input.ids, targets: classes, lengths: input.lengths, &context)
        }
      }
    #expect(abs(parts[0].value - parts[1].value) < 1e-6)
    #expect(parts[0].gradients.names == parts[1].gradients.names)
    for name in parts[1].gradients.names {
      let found = try #require(parts[0].gradients[name]).doubles
      let expected = try #require(parts[1].gradients[name]).doubles
      // Three sequences share the loss, not dozens of tokens: gradients and their rounding are larger.
      #expect(largestDifference(found, expected) < 3e-5, "gradient of \(name)")
    }
    #expect(parts[0].gradients["classifier.weight"] != nil)
  }

  @Test(arguments: Pooling.allCases, [true, false])
  func paddingChangesNothing(_ pooling: Pooling, _ decoder: Bool) throws {
    guard !(decoder && pooling == .first) else {
      let error = #expect(throws: ConfigError.self) {
        try Transformer(config(pooling, decoder: true), random: RandomSource(seed: 3))
      }
      #expect(error?.report.place == "classification.pooling")
      return
    }
    let model = try Transformer(
      config(pooling, decoder: decoder), random: RandomSource(seed: 3))
    var other = ids
    for row in 0..<4 {
      for place in Int(lengths[row])..<12 {
        other[row * 12 + place] = (other[row * 12 + place] + 1) % 13
      }
    }
    var context = Context(.inference)
    let (before, after) = (tensors(ids), tensors(other))
    let logits = model(before.ids, lengths: before.lengths, &context)
    #expect(logits.shape == [4, 3])
    #expect(logits.floats == model(after.ids, lengths: after.lengths, &context).floats)
    // Without lengths the padding counts.
    #expect(logits.floats != model(after.ids, &context).floats)
  }

  @Test func poolingByHand() {
    let x = Tensor([1, -2, 5, -4, 9, 9, 3, 4, 9, 9, 9, 9], [2, 3, 2])
    let lengths = Tensor(integers: [2, 1], [2])
    #expect(Pooling.first(x).floats == [1, -2, 3, 4])
    #expect(Pooling.mean(x, lengths: lengths).floats == [3, -3, 3, 4])
    #expect(Pooling.maximum(x, lengths: lengths).floats == [5, -2, 3, 4])
    #expect(Pooling.last(x, lengths: lengths).floats == [5, -4, 3, 4])
    #expect(Pooling.maximum(x).floats == [9, 9, 9, 9])
    let none = Tensor(integers: [0, 0], [2])
    #expect(Pooling.mean(x, lengths: none).floats == [0, 0, 0, 0])
    #expect(Pooling.maximum(x, lengths: none).floats == [0, 0, 0, 0])
  }

  @Test func theBodyIsThatOfALanguageModel() throws {
    let settings = config(.mean)
    let model = try Transformer(settings, random: RandomSource(seed: 3))
    var language = settings
    language.objective = .maskedLanguageModel
    language.classification = nil
    let body = try Transformer(language, random: RandomSource(seed: 3))
    for (name, parameter) in body.parameters {
      let found = model.parameters.first { $0.name == name }
      #expect(found?.parameter.value.floats == parameter.value.floats)
    }
    #expect(model.parameters.suffix(2).map(\.name) == ["classifier.weight", "classifier.bias"])
    #expect(model.parameterCount == body.parameterCount + 3 * 8 + 3)
  }

  @Test func configurationRoundTrip() throws {
    let settings = config(.last)
    var reader = SettingsReader()
    #expect(ModelConfig.read(settings.json, at: "", &reader) == settings)
    try reader.finish()
    var wrong = settings
    wrong.classification?.classes = 1
    let error = #expect(throws: ConfigError.self) {
      try Transformer(wrong, random: RandomSource(seed: 0))
    }
    #expect(error?.report.place == "classification.classes")
    wrong.classification = nil
    let missing = #expect(throws: ConfigError.self) {
      try Transformer(wrong, random: RandomSource(seed: 0))
    }
    #expect(missing?.report.place == "classification")
  }

  @Test func smoothingSpreadsAShare() {
    let logits = normal([4, 3], 5)
    let targets = Tensor(integers: [0, 2, -1, 1], [4])
    let hard = crossEntropy(logits, targets: targets).scalar
    let others = (0..<3).map { other in
      crossEntropy(
        logits, targets: Tensor(integers: [0, 2, -1, 1].map { $0 < 0 ? $0 : Int32(other) }, [4])
      ).scalar
    }
    let expected = 0.7 * hard + 0.3 * others.reduce(0, +) / 3
    #expect(abs(crossEntropy(logits, targets: targets, smoothing: 0.3).scalar - expected) < 1e-6)
  }

  @Test func crossEntropyEqualsTheHeads() {
    let (x, w) = (normal([5, 4], 1), normal([3, 4], 2))
    let targets = Tensor(integers: [0, 2, -1, 1, 1], [5])
    let fused = valueAndGradients(of: [x, w]) {
      linearCrossEntropy($0[0], $0[1], targets: targets)
    }
    let plain = valueAndGradients(of: [x, w]) {
      crossEntropy(matmul($0[0], $0[1], transposeB: true), targets: targets)
    }
    #expect(abs(fused.value.scalar - plain.value.scalar) < 1e-6)
    for (a, b) in zip(fused.gradients, plain.gradients) {
      #expect(largestDifference(a.doubles, b.doubles) < 1e-6)
    }
    let nothing = Tensor(integers: [-1, -1, -1, -1, -1], [5])
    #expect(crossEntropy(normal([5, 3], 1), targets: nothing).scalar == 0)
  }
}
