import Testing
import Verdant
import VerdantTestKit

/// bf16 and checkpointed blocks against the plain pass.
@Suite struct PrecisionTests {
  /// Shapes of models whose parts pass numbers on in other forms.
  enum Form: String, CaseIterable {
    case gpt, llama, post, parallel, encoder, relative, spans, classes, lora

    func change(_ config: inout ModelConfig) {
      func all(_ change: (inout BlockConfig) -> Void) {
        for index in config.blocks.indices { change(&config.blocks[index]) }
      }
      switch self {
      case .gpt: break
      case .llama:
        config.embedding.positions = .rotary
        config.head = .free
        config.finalNorm = NormConfig(.rmsNorm)
        all {
          $0.norm = NormConfig(.rmsNorm)
          $0.feedForward = Spec(GatedMLP.kind, GatedMLP.Options())
          $0.mixer = Spec(
            SoftmaxAttention.kind, SoftmaxAttention.Options(heads: 4, keyHeads: 2, window: 9))
        }
      case .post:
        config.embedding.positions = .sinusoidal
        config.embedding.scale = 20
        config.finalNorm = NormConfig(.none)
        config.stochasticDepth = 0.2
        all { $0.arrangement = .postNorm }
      case .parallel:
        config.stochasticDepth = 0.3
        config.order = [0, 1, 0]
        all { $0.arrangement = .parallel }
      case .encoder:
        config.architecture = .encoder
        config.objective = .maskedLanguageModel
      case .relative:
        config.embedding.positions = .relative
      case .spans:
        config.architecture = .encoderDecoder
        config.objective = .spanCorruption
        config.embedding.positions = .relative
        config.encoderBlocks = config.blocks
        all { $0.crossAttention = CrossAttention.Options(heads: 4, keyHeads: 2) }
      case .classes:
        config.architecture = .encoder
        config.objective = .classification
        config.classification = ClassificationConfig(classes: 4, pooling: .maximum, dropout: 0.1)
      case .lora:
        config.structures = [
          StructureRule(match: "blocks.*.mixer.*", Spec(LoRA.kind, LoRA.Options(rank: 4)))
        ]
      }
    }
  }

  private func gradients(_ form: Form, _ change: (inout Context) -> Void) throws
    -> (Double, Gradients)
  {
    var config = ModelConfig(blocks: 2, width: 32, heads: 4, maximumLength: 24, vocabulary: 50)
    config.embedding.dropout = 0.1
    for index in config.blocks.indices {
      var network = MLP.Options()
      network.dropout = 0.2
      config.blocks[index].feedForward = Spec(MLP.kind, network)
    }
    form.change(&config)
    var model = try Transformer(config, random: RandomSource(seed: 3))
    model.updateParameters { name, parameter in
      // Corrections that are 0 would give no gradient to their other half.
      guard name.hasSuffix("loraUp") else { return }
      parameter.value = .random(
        parameter.value.shape, .normal(deviation: 0.1), RandomSource(seed: 8))
    }
    let ids = Tensor(integers: (0..<48).map { Int32($0 * 7 % 50) }, [2, 24])
    let targets =
      form == .classes
      ? Tensor(integers: [3, 1], [2])
      : Tensor(integers: (0..<48).map { Int32($0 * 11 % 50) }, [2, 24])
    let hasLengths = [.encoder, .spans, .classes].contains(form)
    let input = ModelInput(
      ids, lengths: hasLengths ? Tensor(integers: [24, 13], [2]) : nil,
      decoder: form == .spans
        ? Tensor(integers: (0..<48).map { Int32($0 * 5 % 50) }, [2, 24]) : nil)
    var context = Context(.training, random: RandomSource(seed: 9))
    change(&context)
    let found = valueAndGradients(of: model, &context) { model, context in
      model.loss(input, targets: targets, &context)
    }
    return (found.value, found.gradients)
  }

  // The same operations on the same numbers, dropout included: the same bits.
  @Test(arguments: Form.allCases)
  func checkpointedBlocksGiveTheSameGradients(_ form: Form) throws {
    let plain = try gradients(form) { _ in }
    let again = try gradients(form) { $0.checkpointsBlocks = true }
    #expect(plain.0 == again.0)
    #expect(plain.1.names == again.1.names)
    for name in plain.1.names {
      // What several blocks read, of a table of distances or of an encoder, is added in another order.
      if form == .relative && name.hasSuffix("relativeBias") || form == .spans {
        let (a, b) = (try #require(plain.1[name]), try #require(again.1[name]))
        #expect(largestDifference(a.doubles, b.doubles) < 1e-6, "\(name)")
      } else {
        #expect(plain.1[name]?.floats == again.1[name]?.floats, "\(name)")
      }
    }
  }

  @Test(arguments: Form.allCases)
  func bfloat16GradientsAreNear(_ form: Form) throws {
    let plain = try gradients(form) { _ in }
    let narrow = try gradients(form) { $0.precision = .bfloat16 }
    #expect(abs(plain.0 - narrow.0) < 0.01 * plain.0 && plain.0 != narrow.0)
    for name in plain.1.names {
      let expected = try #require(plain.1[name]).doubles
      let found = try #require(narrow.1[name])
      #expect(found.dtype == .float32)
      let error = zip(found.doubles, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      let size = expected.reduce(0) { $0 + $1 * $1 }
      // The bias of keys has no gradient in exact arithmetic: only rounding is left.
      if name.hasSuffix("key.bias") { continue }
      #expect(error < 0.05 * 0.05 * size, "\(name): \((error / size).squareRoot())")
    }
  }
}
