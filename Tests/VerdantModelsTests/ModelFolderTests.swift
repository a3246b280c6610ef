import Foundation
import Testing
import Verdant

@Suite struct ModelFolderTests {
  private func withModel<Result>(
    _ model: Transformer? = nil, _ body: (String) throws -> Result
  ) throws -> Result {
    try withTemporaryFolder { folder in
      let path = folder + "/model"
      try ModelFolder.write(
        model ?? byteModel(), tokenizer: ByteTokenizer(), history: [["operation": "test"]],
        to: path)
      return try body(path)
    }
  }

  @Test func loadedModelGivesTheSameBits() throws {
    var config = ModelConfig(blocks: 3, width: 8, heads: 2, maximumLength: 8)
    config.structures = [
      StructureRule(match: "blocks.1.**", Spec(LowRank.kind, LowRank.Options(rank: 3)))
    ]
    config.blocks[2].norm.bias = false
    config.embedding.positions = .none
    let model = try Transformer(config, random: RandomSource(seed: 1))
    try withModel(model) { path in
      let loaded = try ModelFolder(path)
      #expect(loaded.model.config == config)
      #expect(loaded.model.lastLogits([1, 2, 3]) == model.lastLogits([1, 2, 3]))
      for (a, b) in zip(model.parameters, loaded.model.parameters) {
        #expect(a.name == b.name && a.parameter.value.floats == b.parameter.value.floats)
      }
      #expect(loaded.history == [["operation": "test"]])
      #expect(try ModelFolder.config(path) == config)
      #expect(loaded.tokenizer.vocabulary == 257)
    }
  }

  @Test func writingTwiceGivesTheSameBytes() throws {
    let model = try byteModel()
    let files = try (0..<2).map { _ in
      try withModel(model) { path in
        try ["config.json", "verdant.json", "model.safetensors"].map { try read(path + "/" + $0) }
      }
    }
    #expect(files[0] == files[1])
  }

  @Test func anExistingFolderIsKept() throws {
    try withModel { path in
      #expect(throws: FileError.self) {
        try ModelFolder.write(byteModel(), tokenizer: ByteTokenizer(), history: [], to: path)
      }
      try ModelFolder.write(
        byteModel(seed: 9), tokenizer: ByteTokenizer(), history: [], to: path, overwriting: true)
      #expect(try ModelFolder(path).history.isEmpty)
    }
  }

  @Test(arguments: ["config.json", "verdant.json", "model.safetensors"])
  func missingFiles(_ name: String) throws {
    try withModel { path in
      try FileManager.default.removeItem(atPath: path + "/" + name)
      let error = #expect(throws: CheckpointError.self) { try ModelFolder(path) }
      #expect(error?.exitCode == .missingInput)
      #expect(error?.report.file?.hasSuffix(name) == true)
    }
  }

  @Test func missingFolder() {
    let error = #expect(throws: CheckpointError.self) { try ModelFolder("/nonexistent/model") }
    #expect(error?.exitCode == .missingInput)
  }

  @Test(arguments: ["config.json", "verdant.json", "model.safetensors"])
  func truncatedFiles(_ name: String) throws {
    try withModel { path in
      let whole = try read(path + "/" + name)
      for count in [0, 1, 2, 7, 8, 9, 40, whole.count / 2, whole.count - 2] {
        try put(whole.prefix(count), path + "/" + name)
        expectReport("\(count) bytes") { _ = try ModelFolder(path) }
      }
      try put(whole + [0], path + "/" + name)
      expectReport { _ = try ModelFolder(path) }
    }
  }

  @Test func foldersAndPipesInPlaceOfFiles() throws {
    for name in ["config.json", "verdant.json", "model.safetensors"] {
      try withModel { path in
        try FileManager.default.removeItem(atPath: path + "/" + name)
        try FileManager.default.createDirectory(
          atPath: path + "/" + name, withIntermediateDirectories: false)
        expectReport { _ = try ModelFolder(path) }
        try FileManager.default.removeItem(atPath: path + "/" + name)
        #expect(mkfifo(path + "/" + name, 0o600) == 0)
        expectReport { _ = try ModelFolder(path) }
      }
    }
  }

  @Test func tensorsThatDoNotFitAreReportedTogether() throws {
    try withModel { path in
      var tensors = try byteModel().parameters.map { (name: $0.name, tensor: $0.parameter.value) }
      tensors.removeAll { $0.name == "finalNorm.bias" || $0.name == "blocks.0.mixer.key.weight" }
      for (index, entry) in tensors.enumerated() {
        if entry.name == "finalNorm.scale" { tensors[index].tensor = .ones([9]) }
        if entry.name == "blocks.0.mixer.key.bias" {
          tensors[index].tensor = Tensor(integers: Array(repeating: 1, count: 8), [8])
        }
      }
      tensors.append(("finalNorm.bais", .zeros([8])))
      try FileManager.default.removeItem(atPath: path + "/model.safetensors")
      let folder = try AtomicFolder(path + "-tensors")
      try SafetensorsWriter.write(tensors, into: folder, named: "model.safetensors")
      try folder.commit()
      try FileManager.default.moveItem(
        atPath: path + "-tensors/model.safetensors", toPath: path + "/model.safetensors")
      let error = #expect(throws: CheckpointError.self) { try ModelFolder(path) }
      let places = error?.problems.compactMap(\.place) ?? []
      #expect(
        places == [
          "tensor \"blocks.0.mixer.key.weight\"", "tensor \"blocks.0.mixer.key.bias\"",
          "tensor \"finalNorm.scale\"", "tensor \"finalNorm.bias\"", "tensor \"finalNorm.bais\"",
        ])
      #expect(error?.problems.last?.advice?.contains("finalNorm.bias") == true)
      #expect(error?.exitCode == .badData)
    }
  }

  private func change(_ path: String, _ name: String, _ key: String, _ value: JSONValue?) throws {
    var object = try #require(
      try JSONValue(parsing: read(path + "/" + name), file: name).objectValue)
    object[key] = value
    try put(JSONWriter.bytes(of: .object(object)), path + "/" + name)
  }

  @Test func configurationsThatDoNotFit() throws {
    let cases: [(String, JSONValue?)] = [
      ("model_type", "gpt2"), ("model_type", nil), ("model_type", 3), ("auto_map", ["a": "b"]),
      ("vocabulary", 100), ("vocabulary", 258), ("width", 16), ("width", 7), ("blocks", []),
      ("maximum_length", 9), ("maximum_length", -1), ("blocks", 3), ("head", "untied"),
      ("width", 65_536), ("vocabulary", 4_194_304),
    ]
    for (key, value) in cases {
      try withModel { path in
        try change(path, "config.json", key, value)
        expectReport("\(key)") { _ = try ModelFolder(path) }
      }
    }
    for text in ["", "[]", "3", "{", "{\"model_type\": \"verdant\"} x", "\u{FEFF}{}"] {
      try withModel { path in
        try put(text.utf8, path + "/config.json")
        expectReport { _ = try ModelFolder(path) }
      }
    }
    try withModel { path in
      try change(path, "verdant.json", "tokenizer", "words")
      let error = #expect(throws: ConfigError.self) { try ModelFolder(path) }
      #expect(error?.kind == .unsupported)
    }
  }

  @Test func unknownModelTypeNamesTheKnownOne() throws {
    try withModel { path in
      try change(path, "config.json", "model_type", "gpt17")
      let error = #expect(throws: ConfigError.self) { try ModelFolder(path) }
      #expect(error?.report.place == "model_type")
      #expect(error?.report.what.contains("gpt17") == true)
      #expect(error?.report.rule?.contains("gpt2") == true)
      #expect(error?.report.rule?.contains("verdant") == true)
    }
  }

  @Test func fewerTokensThanTheTokenizerAreRefused() throws {
    try withModel(byteModel(vocabulary: 100)) { path in
      let error = #expect(throws: ConfigError.self) { try ModelFolder(path) }
      #expect(error?.report.place == "vocabulary")
    }
  }

  @Test func linksAreFollowedInsideTheHubCacheOnly() throws {
    try withModel { path in
      let cache = path + "-cache"
      let snapshot = cache + "/snapshots/0123abc"
      let files = FileManager.default
      try files.createDirectory(atPath: snapshot, withIntermediateDirectories: true)
      try files.createDirectory(atPath: cache + "/blobs", withIntermediateDirectories: true)
      let names = ["config.json", "verdant.json", "model.safetensors"]
      for (index, name) in names.enumerated() {
        try files.copyItem(atPath: path + "/" + name, toPath: cache + "/blobs/\(index)")
        try files.createSymbolicLink(
          atPath: snapshot + "/" + name, withDestinationPath: "../../blobs/\(index)")
      }
      #expect(try ModelFolder(snapshot).model.parameterCount == byteModel().parameterCount)
      // The folder itself may be a link of the user's own.
      try files.createSymbolicLink(atPath: path + "-link", withDestinationPath: path)
      #expect(throws: Never.self) { try ModelFolder(path + "-link") }
      for (index, name) in names.enumerated() {
        try files.removeItem(atPath: snapshot + "/" + name)
        for target in [path + "/" + name, name, "../../blobs/none"] {
          try files.createSymbolicLink(
            atPath: snapshot + "/" + name, withDestinationPath: target)
          #expect(throws: CheckpointError.self, "\(target)") { try ModelFolder(snapshot) }
          try files.removeItem(atPath: snapshot + "/" + name)
        }
        try files.createSymbolicLink(
          atPath: snapshot + "/" + name, withDestinationPath: "../../blobs/\(index)")
      }
    }
  }

  /// Damaged files give a model or a typed error, and never end the process.
  @Test func damagedFiles() throws {
    let marks = Array("\u{0}0919-{}[]\",:eE.".utf8) + [0xFF, 0x80]
    try withModel { path in
      for name in ["config.json", "verdant.json", "model.safetensors"] {
        let whole = try read(path + "/" + name)
        // The numbers of the tensors may be any; what describes them stands before.
        let part = min(whole.count, 3000)
        for seed in 0..<400 {
          let source = RandomSource(seed: UInt64(seed))
          var bytes = whole
          for change in 0..<UInt64(1 + seed % 3) {
            let place = Int(source.uniform(at: 2 * change) * Double(part))
            let choice = source.uniform(at: 2 * change + 1) * Double(marks.count)
            bytes[place] = marks[Int(choice)]
          }
          try put(bytes, path + "/" + name)
          do {
            let loaded = try ModelFolder(path)
            #expect(loaded.model.lastLogits([1, 2]).count == loaded.model.config.vocabulary)
          } catch {
            #expect(error is any ReportedError, "\(error)")
          }
        }
        try put(whole, path + "/" + name)
      }
    }
  }
}
