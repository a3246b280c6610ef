import Foundation
import Testing
import Verdant

/// A decoder of the shape of Llama.
func llamaConfig(width: Int = 64, blocks: Int = 2) -> ModelConfig {
  var config = ModelConfig(blocks: blocks, width: width, heads: 4, maximumLength: 32)
  config.embedding.positions = .rotary
  config.finalNorm.kind = .rmsNorm
  for index in config.blocks.indices {
    var attention = SoftmaxAttention.Options(heads: 4, keyHeads: 2)
    attention.bias = false
    var network = GatedMLP.Options()
    network.bias = false
    config.blocks[index].mixer = Spec(SoftmaxAttention.kind, attention)
    config.blocks[index].feedForward = Spec(GatedMLP.kind, network)
    config.blocks[index].norm.kind = .rmsNorm
  }
  return config
}

@Suite struct GGUFExportTests {
  private func export(
    _ model: Transformer, _ numbers: ExportNumbers = .f32
  ) throws -> (file: GGUFReader, notes: [String]) {
    try withTemporaryFolder { folder in
      let report = try ModelExport(model, tokenizer: ByteTokenizer(), name: "a name")
        .write(.gguf, numbers: numbers, to: folder + "/m.gguf")
      let bytes = try read(folder + "/m.gguf")
      #expect(bytes.count == report.byteCount)
      let file = try GGUFReader(bytes)
      #expect(file.tensors.count == report.tensorCount)
      return (file, report.notes)
    }
  }

  private func model(_ config: ModelConfig) throws -> Transformer {
    try Transformer(config, random: RandomSource(seed: 4))
  }

  @Test func factsOfLlama() throws {
    let (file, notes) = try export(try model(llamaConfig()))
    let expected = [
      "general.architecture": "llama", "general.name": "a name", "general.file_type": "0",
      "llama.context_length": "32", "llama.embedding_length": "64", "llama.block_count": "2",
      "llama.feed_forward_length": "176", "llama.attention.head_count": "4",
      "llama.attention.head_count_kv": "2", "llama.rope.dimension_count": "16",
      "llama.rope.freq_base": "10000.0", "llama.vocab_size": "257",
      "llama.attention.layer_norm_rms_epsilon": "1e-05", "tokenizer.ggml.model": "gpt2",
      "tokenizer.ggml.eos_token_id": "256", "tokenizer.ggml.add_bos_token": "true",
    ]
    for (key, value) in expected { #expect(file.facts[key] == value, "\(key)") }
    #expect(notes.isEmpty)
    let names = ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm"]
    let all =
      ["token_embd"]
      + ["blk.0", "blk.1"].flatMap { block in
        (names + ["ffn_gate", "ffn_up", "ffn_down"]).map { "\(block).\($0)" }
      } + ["output_norm"]
    #expect(file.tensors.map(\.name) == all.map { "\($0).weight" })
  }

  @Test func bytesAreTheTokens() throws {
    let (file, _) = try export(try byteModel(vocabulary: 260))
    let tokens = try #require(file.lists["tokenizer.ggml.tokens"])
    #expect(tokens.count == 260)
    #expect(tokens[0] == "Ā" && tokens[10] == "Ċ" && tokens[32] == "Ġ" && tokens[65] == "A")
    #expect(tokens[127] == "ġ" && tokens[0xAD] == "Ń" && tokens[255] == "ÿ")
    #expect(tokens[256] == "<|endoftext|>" && tokens[259] == "<|unused_259|>")
    #expect(Set(tokens).count == 260)
    let kinds = try #require(file.lists["tokenizer.ggml.token_type"])
    #expect(kinds.prefix(256).allSatisfy { $0 == "1" })
    #expect(kinds.suffix(4) == ["3", "5", "5", "5"])
    #expect(file.lists["tokenizer.ggml.merges"] == [])
  }

  /// Turning neighbours of the rows in the file is turning halves of the model's.
  @Test func queriesAndKeysAreTurnedAsNeighbours() throws {
    let model = try model(llamaConfig())
    let (file, _) = try export(model)
    let names = [("query", "attn_q", 4), ("key", "attn_k", 2)]
    for (name, other, heads) in names {
      let old = try #require(
        model.parameters.first { $0.name == "blocks.1.mixer.\(name).weight" }?.parameter.value
          .floats)
      let new = try #require(file["blk.1.\(other).weight"]).floats
      for head in 0..<heads {
        for pair in 0..<8 {
          for column in [0, 1, 63] {
            let row = head * 16
            #expect(new[(row + 2 * pair) * 64 + column] == old[(row + pair) * 64 + column])
            #expect(new[(row + 2 * pair + 1) * 64 + column] == old[(row + 8 + pair) * 64 + column])
          }
        }
      }
    }
  }

  @Test func partsOfGPT2AreJoined() throws {
    var model = try byteModel()
    model.updateParameters { name, parameter in
      if name.hasSuffix("bias") { parameter.value = parameter.value + 0.25 }
      if name.hasSuffix("key.bias") { parameter.value = parameter.value + 1 }
    }
    let (file, _) = try export(model)
    func values(_ name: String) -> [Float] {
      model.parameters.first { $0.name == "blocks.0.mixer.\(name)" }?.parameter.value.floats ?? []
    }
    for part in ["weight", "bias"] {
      let joined = ["query", "key", "value"].flatMap { values("\($0).\(part)") }
      #expect(try #require(file["blk.0.attn_qkv.\(part)"]).floats == joined)
    }
    #expect(file["blk.0.attn_qkv.weight"]?.shape == [24, 8])
    #expect(file["position_embd.weight"]?.shape == [8, 8])
    #expect(file.facts["general.architecture"] == "gpt2")
    #expect(file["output.weight"] == nil)
  }

  /// What readers have no option for goes into the weights.
  @Test func factorsGoIntoTheWeights() throws {
    var config = llamaConfig(blocks: 1)
    var attention = SoftmaxAttention.Options(heads: 4, keyHeads: 2)
    attention.scale = 0.5
    config.blocks[0].mixer = Spec(SoftmaxAttention.kind, attention)
    config.embedding.scale = 8
    config.logitScale = 0.25
    let (file, _) = try export(try model(config))
    config.logitScale = 1
    config.embedding.scale = 1
    attention.scale = nil
    config.blocks[0].mixer = Spec(SoftmaxAttention.kind, attention)
    let (plain, _) = try export(try model(config))
    func ratio(_ name: String, to other: String? = nil) throws -> Float {
      let (a, b) = (try #require(file[name]).floats, try #require(plain[other ?? name]).floats)
      return a[5] / b[5]
    }
    #expect(try ratio("token_embd.weight") == 8)
    #expect(try ratio("output.weight", to: "token_embd.weight") == 1)
    #expect(try ratio("output_norm.weight") == 0.25)
    // Readers divide by 4, the root of the width of a head.
    #expect(try ratio("blk.0.attn_q.weight") == 2)
    #expect(try ratio("blk.0.attn_k.weight") == 1)
  }

  @Test func repeatedAndLowRankBlocksAreWrittenOut() throws {
    var config = llamaConfig()
    config.order = [0, 1, 1]
    config.structures = [
      StructureRule(match: "blocks.*.feedForward.*", Spec(LowRank.kind, LowRank.Options(rank: 8)))
    ]
    let (file, notes) = try export(try model(config))
    #expect(file.facts["llama.block_count"] == "3")
    #expect(file["blk.2.ffn_up.weight"]?.data == file["blk.1.ffn_up.weight"]?.data)
    #expect(file["blk.0.ffn_up.weight"]?.shape == [176, 64])
    #expect(notes.count == 2)
  }

  /// The bytes that PyPI's `gguf` makes of the same numbers; `Tools/golden/gguf_quants.py`.
  @Test(arguments: [ExportNumbers.f16, .q8_0, .q4_0])
  func numbersAreThoseOfTheOriginal(_ numbers: ExportNumbers) throws {
    let golden = try SafetensorsFile(
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Golden/gguf-quants.safetensors").path)
    let rows = try golden.tensor(named: "rows")
    // The rows stand in the place of a matrix whose type is that of the file.
    var config = ModelConfig(blocks: 1, width: 64, heads: 1, maximumLength: 4)
    var network = MLP.Options()
    network.hidden = rows.shape[0]
    config.blocks[0].feedForward = Spec(MLP.kind, network)
    var model = try model(config)
    model.updateParameters { name, parameter in
      if name == "blocks.0.feedForward.up.weight" { parameter.value = rows }
    }
    let (file, _) = try export(model, numbers)
    let tensor = try #require(file["blk.0.ffn_up.weight"])
    let expected = try golden.tensor(named: numbers.rawValue).integers.map { UInt8($0) }
    #expect(tensor.data == expected)
  }

  @Test func typesOfTensors() throws {
    func types(_ numbers: ExportNumbers) throws -> [String: UInt32] {
      let (file, _) = try export(try model(llamaConfig(blocks: 1)), numbers)
      #expect(
        file.facts["general.quantization_version"] == (numbers.rawValue.hasPrefix("q") ? "2" : nil))
      return Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.type) })
    }
    for (numbers, matrix, table) in [
      (ExportNumbers.f32, UInt32(0), UInt32(0)), (.f16, 1, 1), (.q8_0, 8, 8), (.q4_0, 2, 8),
    ] {
      let types = try types(numbers)
      #expect(types["blk.0.attn_q.weight"] == matrix)
      #expect(types["token_embd.weight"] == table)
      #expect(types["blk.0.attn_norm.weight"] == 0)
      // 176 numbers of a row are no multiple of 32.
      #expect(types["blk.0.ffn_down.weight"] == min(matrix, 1))
    }
  }

  @Test func rowsThatFillNoBlocksAreNoted() throws {
    let (_, notes) = try export(try model(llamaConfig(blocks: 1)), .q4_0)
    #expect(notes.count == 1 && notes[0].contains("32"))
  }
}
