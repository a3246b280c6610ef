import Foundation
import Testing
import Verdant

/// Folders of families that cannot be used: each gives a typed error that says what is wrong.
@Suite struct FamilyInputTests {
  /// Calls a closure with a copy of a golden checkpoint.
  private func withCopy(_ name: String, _ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/model"
      try FileManager.default.copyItem(atPath: "\(GoldenFamily.folder)/\(name)", toPath: path)
      try body(path)
    }
  }

  /// Changes keys of `config.json`.
  private func change(_ path: String, _ keys: JSONObject) throws {
    let file = path + "/config.json"
    var object = try #require(JSONValue(parsing: read(file)).objectValue)
    for (key, value) in keys { object[key] = value }
    try put(Array(JSONValue.object(object).serialized().utf8), file)
  }

  /// Writes the tensors again, under other names or with other content.
  private func rewrite(_ path: String, _ change: (String, Tensor) -> (String, Tensor)?) throws {
    let file = try SafetensorsFile(path + "/model.safetensors")
    let tensors = try file.entries.compactMap { entry in
      change(entry.name, try file.tensor(named: entry.name))
    }
    let folder = try AtomicFolder(path + "-new")
    try SafetensorsWriter.write(tensors, into: folder, named: "model.safetensors")
    try folder.commit()
    try FileManager.default.removeItem(atPath: path + "/model.safetensors")
    try FileManager.default.moveItem(
      atPath: path + "-new/model.safetensors", toPath: path + "/model.safetensors")
  }

  @Test func allTensorsThatDoNotFitAreNamedAtOnce() throws {
    try withCopy("gpt2") { path in
      try rewrite(path) { name, tensor in
        switch name {
        case "transformer.h.1.ln_2.weight": ("transformer.h.1.ln_2.wieght", tensor)
        case "transformer.h.0.attn.c_proj.weight": (name, tensor[0..<5])
        case "transformer.ln_f.bias": nil
        default: (name, tensor)
        }
      }
      let error = #expect(throws: CheckpointError.self) { try ModelFolder.model(path) }
      let texts = error?.problems.map(\.description) ?? []
      #expect(texts.count == 4)
      func has(_ parts: String...) -> Bool {
        texts.contains { text in parts.allSatisfy { text.contains($0) } }
      }
      #expect(has("missing", "transformer.h.1.ln_2.weight", "wieght"))
      #expect(has("no such tensor", "transformer.h.1.ln_2.wieght", "ln_2.weight"))
      #expect(has("shape [5, 24]", "transformer.h.0.attn.c_proj.weight", "[24, 24]"))
      #expect(has("missing", "transformer.ln_f.bias"))
    }
  }

  /// A square map that is not transposed loads without a word: the outputs tell.
  @Test func aForgottenTranspositionIsSeen() throws {
    let golden = try GoldenFamily("gpt2")
    try withCopy("gpt2") { path in
      try rewrite(path) { name, tensor in
        (name, name.hasSuffix("attn.c_proj.weight") ? tensor.permuted(1, 0) : tensor)
      }
      #expect(try golden.difference(ModelFolder.model(path).model) > 1e-2)
    }
  }

  private static let wrongKeys: [(String, String, JSONValue)] = [
    ("gpt2", "n_head", 0), ("gpt2", "n_head", 5), ("gpt2", "n_embd", "wide"),
    ("gpt2", "n_layer", -1), ("gpt2", "vocab_size", .integer(1 << 40)),
    ("gpt2", "activation_function", "mish"), ("gpt2", "add_cross_attention", true),
    ("gpt2", "architectures", ["GPT2DoubleHeadsModel"]), ("gpt2", "auto_map", ["AutoModel": "x.y"]),
    ("gpt2", "quantization_config", ["quant_method": "gptq"]),
    ("llama", "num_key_value_heads", 3), ("llama", "pretraining_tp", 2),
    ("llama", "rope_parameters", ["rope_type": "yarn", "factor": 2]),
    ("llama", "rope_parameters", ["rope_type": "linear", "factor": 0]),
    ("llama", "rope_parameters", ["rope_type": "default", "partial_rotary_factor": 0.5]),
    ("llama", "rope_parameters", "default"), ("llama", "rms_norm_eps", "small"),
    ("llama-llama3", "rope_parameters", ["rope_type": "llama3", "low_freq_factor": 9]),
    ("mistral", "sliding_window", 0), ("qwen2-window", "layer_types", ["full_attention"]),
    ("qwen2-window", "layer_types", ["full_attention", "half_attention"]),
    ("bert", "position_embedding_type", "relative_key"), ("bert", "is_decoder", true),
    ("bert", "layer_norm_eps", -1), ("roberta", "pad_token_id", 0),
    ("bert-classifier", "problem_type", "multi_label_classification"),
    ("bert-classifier", "id2label", ["0": "one"]),
    ("t5", "feed_forward_proj", "gated-mish"), ("t5", "relative_attention_num_buckets", 7),
    ("t5", "model_type", "umt5"), ("t5", "num_heads", .number(0.5)),
  ]

  @Test(arguments: wrongKeys)
  func wrongKeysAreNamed(_ name: String, _ key: String, _ value: JSONValue) throws {
    try withCopy(name) { path in
      try change(path, [key: value])
      let error = #expect(throws: ConfigError.self, "\(key)") { try ModelFolder.model(path) }
      #expect(error?.exitCode == .inconsistentConfiguration)
    }
  }

  @Test func indexesAreChecked() throws {
    let index = "model.safetensors.index.json"
    try withCopy("llama-biases") { path in
      let text = String(decoding: try read("\(path)/\(index)"), as: UTF8.self)
      let name = "model-00001-of-"
      let changes: [(String, String, CheckpointError.Kind)] = [
        (name, "../\(name)", .invalidIndex), (name, "/\(name)", .invalidIndex),
        (name, ".\(name)", .invalidIndex), (name, "other-00001-of-", .missingFile),
        ("\"weight_map\"", "\"map\"", .invalidIndex),
        ("model.norm.weight", "model.norm.other", .missingTensors),
      ]
      for (part, other, kind) in changes {
        let changed = text.replacingOccurrences(of: part, with: other)
        try #require(changed != text)
        try put(Array(changed.utf8), "\(path)/\(index)")
        let error = #expect(throws: CheckpointError.self, "\(other)") {
          try ModelFolder.model(path)
        }
        #expect(error?.kind == kind, "\(other)")
      }
      // A size that is wrong does no harm; every byte of the index may be cut off.
      let size = text.replacingOccurrences(
        of: #""total_size": \d+"#, with: "\"total_size\": 1", options: .regularExpression)
      try put(Array(size.utf8), "\(path)/\(index)")
      #expect(try ModelFolder.model(path).report.notices.count == 1)
      for count in stride(from: 0, to: text.utf8.count - 2, by: 97) {
        try put(Array(text.utf8.prefix(count)), "\(path)/\(index)")
        expectReport("\(count)") { _ = try ModelFolder.model(path) }
      }
    }
  }

  @Test func aTensorInTwoFilesIsRefused() throws {
    try withCopy("llama-biases") { path in
      let files = try FileManager.default.contentsOfDirectory(atPath: path).filter {
        $0.hasPrefix("model-")
      }.sorted()
      try put(read("\(path)/\(files[0])"), "\(path)/\(files[1])")
      expectReport { _ = try ModelFolder.model(path) }
    }
  }

  @Test func whatIsMissingIsSaid() throws {
    try withCopy("gpt2") { path in
      let error = #expect(throws: TokenizerError.self) { try ModelFolder(path) }
      #expect(error?.kind == .missingFile)
      #expect(error?.report.file?.hasSuffix("tokenizer.json") == true)
      try put("a\n".utf8, path + "/vocab.txt")
      let second = #expect(throws: TokenizerError.self) { try ModelFolder(path) }
      #expect(second?.report.rule?.contains("vocab.txt") == true)
      try FileManager.default.removeItem(atPath: path + "/model.safetensors")
      try put("".utf8, path + "/pytorch_model.bin")
      let third = #expect(throws: CheckpointError.self) { try ModelFolder.model(path) }
      #expect(third?.report.what.contains("pickled") == true)
    }
  }

  /// Keys that mean nothing here come back; those of the old files do not.
  @Test func unknownKeysAreKept() throws {
    try withCopy("gpt2") { path in
      try put(
        Array(
          """
          {"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel",
           "vocab": {"[UNK]": 0, "a": 1}, "unk_token": "[UNK]"}}
          """.utf8), path + "/tokenizer.json")
      try change(path, ["task_specific_params": ["a": [1]], "torch_dtype": "float16"])
      let loaded = try ModelFolder(path)
      try ModelFolder.write(
        loaded.model, tokenizer: loaded.tokenizer, history: [], form: .automatic,
        origin: loaded.origin, to: path + "-copy")
      let copy = try ModelFolder(path + "-copy")
      #expect(copy.origin.config["task_specific_params"] == ["a": [1]])
      #expect(copy.origin.config["initializer_range"] == 0.02)
      #expect(copy.origin.config["torch_dtype"] == "float32")
      #expect(copy.tokenizer.encode("a") == [1])
    }
  }

  @Test func halfPrecisionIsExact() throws {
    // Ones, the largest, the smallest normal and subnormal numbers, infinities, both zeros.
    let bits: [UInt16] = [
      0x3C00, 0xC000, 0x7BFF, 0x0400, 0x03FF, 0x0001, 0x8001, 0x7C00, 0xFC00, 0x0000, 0x8000,
      0x3555,
    ]
    let values: [Double] = [
      1, -2, 65504, 0x1p-14, 0x3FFp-24, 0x1p-24, -0x1p-24, .infinity, -.infinity, 0, -0.0,
      0x1.554p-2,
    ]
    try withTemporaryFolder { folder in
      let layout = try SafetensorsLayout([
        TensorDescription(name: "x", dtype: .f16, shape: [bits.count])
      ])
      try SafetensorsWriter.write(layout, to: folder + "/x.safetensors") { _, write in
        try bits.withUnsafeBytes { try write($0) }
      }
      let tensor = try SafetensorsFile(folder + "/x.safetensors").tensor(named: "x")
      #expect(tensor.doubles.map(\.bitPattern) == values.map(\.bitPattern))
    }
  }
}
