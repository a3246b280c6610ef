import Foundation
import Testing
import Verdant

/// What a format cannot express, bad numbers and outputs that cannot be made.
@Suite struct ExportErrorTests {
  /// Exports, expects an error, and nothing left behind.
  private func problems(
    _ config: ModelConfig, _ format: ExportFormat = .gguf, _ numbers: ExportNumbers = .f32,
    change: (inout Transformer) -> Void = { _ in }
  ) throws -> [ErrorReport] {
    var model = try Transformer(config, random: RandomSource(seed: 1))
    change(&model)
    return try withTemporaryFolder { folder in
      do {
        _ = try ModelExport(model, tokenizer: ByteTokenizer())
          .write(format, numbers: numbers, to: folder + "/m")
        Issue.record("nothing thrown")
        return []
      } catch let error as any ReportedError {
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        return error.problems
      }
    }
  }

  private var gpt2: ModelConfig { ModelConfig(blocks: 2, width: 8, heads: 2, maximumLength: 8) }

  @Test func everyOptionThatGGUFLacksIsNamed() throws {
    var config = gpt2
    config.embedding.positions = .relative
    config.embedding.relativeHeads = 2
    config.embedding.norm = NormConfig()
    config.embedding.segments = 2
    var attention = SoftmaxAttention.Options(heads: 2, window: 3)
    attention.headWidth = 6
    var network = MLP.Options()
    network.activation = .relu
    for index in config.blocks.indices {
      config.blocks[index].arrangement = .parallel
      config.blocks[index].norm.kind = .rmsNorm
      config.blocks[index].norm.epsilon = 0.1
      config.blocks[index].mixer = Spec(SoftmaxAttention.kind, attention)
      config.blocks[index].feedForward = Spec(MLP.kind, network)
    }
    let problems = try problems(config)
    #expect(
      problems.compactMap(\.place) == [
        "embedding.positions", "embedding.norm", "embedding.segments", "blocks[0].arrangement",
        "blocks[0].norm.kind", "blocks[0].norm.epsilon", "blocks[0].mixer.window",
        "blocks[0].mixer.head_width", "blocks[0].feed_forward.activation",
      ])
    for problem in problems {
      #expect(problem.rule != nil && problem.advice?.contains("ONNX") == true)
      #expect(problem.code == .inconsistentConfiguration)
    }
  }

  @Test func shapesBetweenLlamaAndGPT2AreRefused() throws {
    func place(_ change: (inout ModelConfig) -> Void) throws -> [String] {
      var config = llamaConfig()
      change(&config)
      return try problems(config).compactMap(\.place)
    }
    #expect(try place { $0.finalNorm.kind = .layerNorm } == ["final_norm.kind"])
    #expect(try place { $0.blocks[1].norm.kind = .layerNorm } == ["blocks[1].norm.kind"])
    #expect(
      try place {
        $0.blocks[0].feedForward = Spec(MLP.kind)
        $0.blocks[1].feedForward = Spec(MLP.kind)
      } == ["blocks[0].feed_forward.kind"])
    #expect(try place { $0.embedding.positions = .learned } == ["embedding.positions"])
    #expect(
      try place {
        var options = GatedMLP.Options()
        options.hidden = 9
        $0.blocks[1].feedForward = Spec(GatedMLP.kind, options)
      } == ["blocks[1].feed_forward.hidden"])
    #expect(
      try place { $0.blocks[1].mixer = Spec(SoftmaxAttention.kind, ["heads": 2]) }
        == ["blocks[1].mixer.heads"])
  }

  @Test func encodersAndClassifiersAreNoGGUF() throws {
    var config = gpt2
    config.architecture = .encoder
    config.objective = .maskedLanguageModel
    #expect(try problems(config).compactMap(\.place) == ["architecture", "objective"])
    config.architecture = .decoder
    config.objective = .classification
    config.classification = ClassificationConfig(classes: 3)
    #expect(try problems(config).compactMap(\.place) == ["objective"])
  }

  @Test func formatsNameTheirNumbers() throws {
    for (format, numbers) in [
      (ExportFormat.onnx, ExportNumbers.f16), (.onnx, .q8_0), (.safetensors, .q4_0),
    ] {
      let problem = try #require(try problems(gpt2, format, numbers).first)
      #expect(problem.place == "type" && problem.rule?.contains("f32") == true)
    }
  }

  /// Sizes are known before any number is made.
  @Test func filesOfONNXEndAtTwoGigabytes() throws {
    var config = gpt2
    config.vocabulary = 1 << 22
    config.width = 128
    let model = try Transformer(config, random: RandomSource(seed: 1), on: ShapeBackend())
    let export = ModelExport(model, tokenizer: ByteTokenizer())
    try withTemporaryFolder { folder in
      let error = #expect(throws: ConfigError.self) {
        try export.write(.onnx, to: folder + "/m")
      }
      #expect(error?.report.rule?.contains("2147483647") == true)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(names.isEmpty)
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func numbersThatAreNotFiniteAreNotRounded(_ value: Float) throws {
    for numbers in [ExportNumbers.f16, .q8_0, .q4_0] {
      let found = try problems(llamaConfig(), .gguf, numbers) { model in
        model.updateParameters { name, parameter in
          guard name == "blocks.1.mixer.value.weight" else { return }
          var floats = parameter.value.floats
          floats[70] = value
          parameter.value = Tensor(floats, parameter.value.shape)
        }
      }
      #expect(found.count == 1 && found[0].place?.contains("blk.1.attn_v") == true)
      #expect(found[0].code == .badData)
    }
  }

  @Test func numbersBeyondHalfPrecisionAreRefused() throws {
    func grow(_ factor: Double) -> (inout Transformer) -> Void {
      { model in
        model.updateParameters { name, parameter in
          if name == "blocks.0.mixer.value.weight" {
            parameter.value = .ones(parameter.value.shape) * factor
          }
        }
      }
    }
    for (numbers, factor) in [(ExportNumbers.f16, 65_520), (.q8_0, 8.4e6), (.q4_0, 5.3e5)] {
      let found = try problems(llamaConfig(), .gguf, numbers, change: grow(factor))
      #expect(found.first?.rule?.contains("65504") == true)
    }
    // What rounds to the largest number is no error.
    let model = {
      var model = try Transformer(llamaConfig(), random: RandomSource(seed: 1))
      grow(65_519)(&model)
      return model
    }
    try withTemporaryFolder { folder in
      _ = try ModelExport(try model(), tokenizer: ByteTokenizer())
        .write(.gguf, numbers: .f16, to: folder + "/m")
    }
  }

  @Test(arguments: ExportFormat.allCases)
  func outputsAreNotReplacedUnasked(_ format: ExportFormat) throws {
    let export = ModelExport(try byteModel(), tokenizer: ByteTokenizer())
    try withTemporaryFolder { folder in
      let path = folder + "/m"
      try put([1, 2], path)
      let error = #expect(throws: FileError.self) { try export.write(format, to: path) }
      #expect(error?.kind == .exists)
      #expect(try read(path) == [1, 2])
      _ = try export.write(format, to: path, overwriting: true)
      #expect(try read(path).count > 1000)
      #expect(throws: FileError.self) { try export.write(format, to: folder + "/none/m") }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["m"])
    }
  }

  private func tokenizerFile(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("VerdantTextTests/Golden/\(name).json").path
  }

  private func export(tokenizer name: String, vocabulary: Int? = nil) throws -> GGUFReader {
    let tokenizer = try PretrainedTokenizer(file: tokenizerFile(name))
    let model = try byteModel(vocabulary: vocabulary ?? tokenizer.vocabulary)
    return try withTemporaryFolder { folder in
      _ = try ModelExport(model, tokenizer: tokenizer)
        .write(.gguf, to: folder + "/m")
      return try GGUFReader(try read(folder + "/m"))
    }
  }

  @Test(arguments: [("gpt2", "gpt-2"), ("llama3", "llama-bpe"), ("qwen2", "qwen2")])
  func tokenizersOfBytePairs(_ name: String, _ splitting: String) throws {
    let file = try export(tokenizer: name)
    let tokenizer = try PretrainedTokenizer(file: tokenizerFile(name))
    #expect(file.facts["tokenizer.ggml.pre"] == splitting)
    let tokens = try #require(file.lists["tokenizer.ggml.tokens"])
    #expect(tokens.count == tokenizer.vocabulary)
    for (id, token) in tokens.enumerated() {
      if let own = tokenizer.token(of: Int32(id)) { #expect(own == token) }
    }
    let merges = try #require(file.lists["tokenizer.ggml.merges"])
    #expect(merges.count > 10 && merges.allSatisfy { $0.split(separator: " ").count == 2 })
    #expect(file.facts["tokenizer.ggml.eos_token_id"] == "\(tokenizer.endOfDocument)")
  }

  @Test(arguments: [
    ("bert", "model.type"), ("unigram", "model.type"), ("llama2", "pre_tokenizer"),
    ("roberta", "pre_tokenizer"),
  ])
  func tokenizersThatGGUFLacks(_ name: String, _ place: String) throws {
    let error = #expect(throws: ConfigError.self) { try export(tokenizer: name) }
    #expect(error?.report.place == place && error?.report.rule != nil)
  }

  @Test func tokensBeyondTheModelAreRefused() throws {
    let error = #expect(throws: ConfigError.self) { try export(tokenizer: "gpt2", vocabulary: 9) }
    #expect(error?.report.rule?.contains("9 tokens") == true)
  }
}
