import Foundation
import Testing
import Verdant

/// A small random checkpoint of a family with the outputs that `transformers` gives for it, from
/// `Tools/families/golden.py`.
struct GoldenFamily {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Golden/families").path

  static let names =
    (try? FileManager.default.contentsOfDirectory(atPath: folder))?.sorted() ?? []

  let path: String
  private let file: SafetensorsFile

  init(_ name: String) throws {
    path = "\(Self.folder)/\(name)"
    file = try SafetensorsFile("\(path)/expected.safetensors")
  }

  /// The largest difference of an output from the expected one, at tokens that exist.
  func difference(_ model: Transformer) throws -> Double {
    func tensor(_ name: String) throws -> Tensor? {
      file.header[name] == nil ? nil : try file.tensor(named: name)
    }
    let lengths = try tensor("lengths")
    let input = ModelInput(
      try #require(try tensor("tokens")), lengths: lengths, segments: try tensor("segments"),
      decoder: try tensor("decoder"))
    let expected = try #require(try tensor("output"))
    var context = Context(.inference)
    var found = model(input, &context)
    if expected.shape != found.shape { found = model.hidden(input, &context) }
    try #require(found.shape == expected.shape)
    let (length, columns) = (found.shape[1], found.shape.columns)
    let ends = found.shape.rank == 3 && input.decoder == nil ? lengths?.integers : nil
    let pairs = zip(found.doubles, expected.doubles).enumerated()
    return pairs.reduce(0) { worst, pair in
      let row = pair.offset / columns
      if let ends, row % length >= Int(ends[row / length]) { return worst }
      let difference = abs(pair.element.0 - pair.element.1)
      return difference.isNaN ? .infinity : max(worst, difference)
    }
  }
}

@Suite struct FamilyTests {
  @Test func everyFamilyIsThere() throws {
    #expect(GoldenFamily.names.count >= 22)
    let found = try Set(
      GoldenFamily.names.map { name in
        try #require(ModelFolder.model("\(GoldenFamily.folder)/\(name)").report.family)
      })
    #expect(found == Set(ModelForm.families))
  }

  @Test(arguments: GoldenFamily.names)
  func outputsEqualTransformers(_ name: String) throws {
    let golden = try GoldenFamily(name)
    let (model, _) = try ModelFolder.model(golden.path)
    let difference = try golden.difference(model)
    #expect(difference <= 1e-4)
    if ProcessInfo.processInfo.environment["VERDANT_PRINT"] != nil { print(name, difference) }
  }

  /// What is read and written is the same model, in the same names and numbers.
  @Test(arguments: GoldenFamily.names)
  func whatIsWrittenIsWhatWasRead(_ name: String) throws {
    let golden = try GoldenFamily(name)
    let (model, report) = try ModelFolder.model(golden.path)
    let family = try #require(report.family)
    try withTemporaryFolder { folder in
      let path = folder + "/copy"
      try ModelFolder.write(
        model, tokenizer: ByteTokenizer(), history: [], form: .family(family), to: path)
      let (copy, second) = try ModelFolder.model(path)
      #expect(second.family == family && second.unused.isEmpty && second.notices.isEmpty)
      #expect(copy.config == model.config)
      for (one, other) in zip(model.parameters, copy.parameters) {
        #expect(
          one.name == other.name && one.parameter.value.floats == other.parameter.value.floats)
      }
      // No shard, no half precision, no old names: the same tensors with the same numbers.
      guard !["llama-biases", "llama-old", "bert-old"].contains(name) else { return }
      let theirs = try SafetensorsFile(golden.path + "/model.safetensors")
      let ours = try SafetensorsFile(path + "/model.safetensors")
      // Parts that no output depends on are not kept.
      let names = Set(theirs.entries.map(\.name)).subtracting(report.unused)
      #expect(Set(ours.entries.map(\.name)) == names)
      let unread = "roberta.embeddings.position_embeddings.weight"
      for name in names where name != unread {
        let (one, other) = (try theirs.tensor(named: name), try ours.tensor(named: name))
        #expect(one.shape == other.shape && one.floats == other.floats, "\(name)")
      }
    }
  }

  /// The form of a model made here is that of a family where one can express it.
  @Test func modelsMadeHereTakeTheFormOfAFamily() throws {
    var llama = ModelConfig(blocks: 2, width: 16, heads: 4, maximumLength: 9, vocabulary: 257)
    llama.embedding.positions = .rotary
    llama.finalNorm = NormConfig(.rmsNorm)
    var mixer = SoftmaxAttention.Options(heads: 4, keyHeads: 2)
    mixer.bias = false
    mixer.dropout = 0.2
    var network = GatedMLP.Options()
    network.bias = false
    for index in llama.blocks.indices {
      llama.blocks[index].norm = NormConfig(.rmsNorm)
      llama.blocks[index].mixer = Spec(SoftmaxAttention.kind, mixer)
      llama.blocks[index].feedForward = Spec(GatedMLP.kind, network)
    }
    let gpt = ModelConfig(blocks: 2, width: 16, heads: 4, maximumLength: 9, vocabulary: 257)
    var lowRank = gpt
    lowRank.structures = [StructureRule(match: "**.up", Spec("low-rank", LowRank.Options(rank: 2)))]
    for (config, expected) in [(gpt, "gpt2"), (llama, "llama"), (lowRank, nil)] {
      try withTemporaryFolder { folder in
        let path = folder + "/model"
        let model = try Transformer(config, random: RandomSource(seed: 5))
        try ModelFolder.write(
          model, tokenizer: ByteTokenizer(), history: ["made"], form: .automatic, to: path)
        let loaded = try ModelFolder(path)
        #expect(loaded.report.family == expected)
        // Dropout has no word in a family, and comes back from the file beside it.
        #expect(loaded.model.config == config && loaded.history == ["made"])
        #expect(loaded.tokenizer is ByteTokenizer)
        #expect(loaded.model.lastLogits([1, 2, 3]) == model.lastLogits([1, 2, 3]))
        guard expected != nil else { return }
        let tokenizer = try PretrainedTokenizer(file: path + "/tokenizer.json")
        let text = "Grüße, 世界\n\u{0}"
        #expect(tokenizer.encode(text) == ByteTokenizer().encode(text))
        #expect(tokenizer.decode(tokenizer.encode(text)) == text)
        #expect(tokenizer.vocabulary == 257 && tokenizer.endOfDocument == 256)
        #expect(throws: ConfigError.self) {
          try ModelFolder.write(
            model, tokenizer: ByteTokenizer(), history: [], form: .family("bert"),
            to: path + "-2")
        }
      }
    }
  }

  @Test func shardsAreWrittenAndRead() throws {
    let (model, _) = try ModelFolder.model(GoldenFamily.folder + "/gpt2")
    try withTemporaryFolder { folder in
      let path = folder + "/model"
      try ModelFolder.write(
        model, tokenizer: ByteTokenizer(), history: [], form: .automatic, shardBytes: 20_000,
        to: path)
      let files = try FileManager.default.contentsOfDirectory(atPath: path)
      #expect(files.filter { $0.hasPrefix("model-0000") }.count >= 3)
      #expect(!files.contains("model.safetensors"))
      let (copy, report) = try ModelFolder.model(path)
      #expect(report.notices.isEmpty)
      #expect(copy.lastLogits([3, 4]) == model.lastLogits([3, 4]))
    }
  }
}
