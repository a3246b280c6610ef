import Testing
import Verdant

@Suite struct GeneratorTests {
  let tokenizer = ByteTokenizer()

  private func generate(
    _ model: Transformer, _ prompt: String, _ sampler: Sampler = .greedy, _ count: Int
  ) throws -> [Int32] {
    var generator = try TextGenerator(model, tokenizer, prompt: prompt, sampler)
    var ids: [Int32] = []
    while ids.count < count, let id = try generator.next() { ids.append(id) }
    return ids
  }

  @Test func greedyChoicesEqualThoseOfTheWholeText() throws {
    let model = try byteModel(context: 32)
    var ids = [tokenizer.endOfDocument] + tokenizer.encode("ab")
    let found = try generate(model, "ab", .greedy, 20)
    #expect(found.count > 3)
    for id in found {
      #expect(Sampler.greedy.choose(model.lastLogits(ids), at: 0) == Int(id))
      ids.append(id)
    }
  }

  @Test func samplingDependsOnTheSeed() throws {
    let model = try byteModel(context: 32)
    let first = try generate(model, "x", Sampler(temperature: 2, seed: 1), 20)
    #expect(try generate(model, "x", Sampler(temperature: 2, seed: 1), 20) == first)
    #expect(try generate(model, "x", Sampler(temperature: 2, seed: 2), 20) != first)
  }

  @Test(arguments: [1, 2, 3, 8])
  func goesOnBeyondTheContext(_ context: Int) throws {
    let model = try byteModel(context: context)
    // Only the separator ends a text, so a hot sampler rarely stops early.
    let longest = try (0..<8).map {
      try generate(model, "hello", Sampler(temperature: 1e6, seed: $0), 60).count
    }
    #expect(longest.max() == 60)
  }

  @Test func aFullContextGoesOnFromItsLaterHalf() throws {
    let model = try byteModel(context: 8)
    var ids = [tokenizer.endOfDocument] + tokenizer.encode("ab")
    var read = ids
    for id in try generate(model, "ab", .greedy, 40) {
      #expect(Sampler.greedy.choose(model.lastLogits(read), at: 0) == Int(id))
      ids.append(id)
      read = read.count == 8 ? Array(ids.suffix(4)) : read + [id]
    }
  }

  @Test(arguments: [7, 8, 9, 30])
  func allOfTheContextIsReadFromALongPrompt(_ length: Int) throws {
    let model = try byteModel(context: 8)
    let prompt = String("the quick brown fox jumps over the lazy dog".prefix(length))
    let ids = [tokenizer.endOfDocument] + tokenizer.encode(prompt)
    let expected = Sampler(temperature: 3, topK: 5, seed: 4)
      .choose(model.lastLogits(Array(ids.suffix(8))), at: 0)
    let found = try generate(model, prompt, Sampler(temperature: 3, topK: 5, seed: 4), 1)
    #expect(found.first.map(Int.init) == expected || expected == 256)
  }

  @Test func emptyPrompt() throws {
    #expect(try generate(byteModel(), "", Sampler(temperature: 1e6, seed: 1), 5).count <= 5)
  }

  /// A model whose logits are 1 for one token and 0 for others, whatever it reads.
  private func constantModel(_ favourite: Int) throws -> Transformer {
    var model = try byteModel()
    model.updateParameters { name, parameter in
      let shape = parameter.value.shape
      switch name {
      case "embedding.tokens":
        var rows = [Float](repeating: 0, count: shape.elementCount)
        rows[favourite * shape[1]] = 1
        parameter.value = Tensor(rows, shape)
      case "finalNorm.scale": parameter.value = .zeros(shape)
      case "finalNorm.bias": parameter.value = .ones(shape)
      default: break
      }
    }
    return model
  }

  @Test func theSeparatorEndsTheTextForGood() throws {
    #expect(try generate(constantModel(65), "q", .greedy, 20) == Array(repeating: 65, count: 20))
    var generator = try TextGenerator(constantModel(256), tokenizer, prompt: "q", .greedy)
    for _ in 0..<20 { #expect(try generator.next() == nil) }
  }

  @Test func aModelWithoutFiniteLogitsIsRefused() throws {
    var model = try byteModel()
    model.updateParameters { name, parameter in
      if name == "finalNorm.bias" { parameter.value = .full(parameter.value.shape, .nan) }
    }
    let error = #expect(throws: CheckpointError.self) {
      try generate(model, "q", Sampler(), 5)
    }
    #expect(error?.kind == .damaged)
  }

  @Test func aModelForFewerTokensIsRefused() throws {
    let model = try byteModel(vocabulary: 100)
    let error = #expect(throws: ConfigError.self) {
      try TextGenerator(model, tokenizer, prompt: "q", .greedy)
    }
    #expect(error?.kind == .inconsistent)
    // More rows than tokens are padding.
    #expect(throws: Never.self) {
      try generate(byteModel(vocabulary: 300), "q", Sampler(temperature: 5), 30)
    }
  }
}
