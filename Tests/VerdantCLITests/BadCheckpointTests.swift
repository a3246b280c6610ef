import Foundation
import Testing
import Verdant
@testable import VerdantIO

/// Run folders with every kind of damage: `--resume` takes the checkpoint before, or says what is
/// wrong and changes nothing.
@Suite struct BadCheckpointTests {
  /// A finished run of six steps with checkpoints after 4 and 6.
  private struct Run {
    let folder: Folder
    let template: String
    private var turn = 0

    init() throws {
      folder = try Folder()
      let text = try folder.write("text.txt", sampleText)
      template = folder.file("whole")
      let outcome = try Program.run(
        ["train", "Recipes/demo-dense.yaml", "--out", template, "--set", "data.train=\(text)"]
          + tiny + ["--set", "checkpoint.every=2", "--set", "data.validation_fraction=0"])
      try #require(outcome.code == 0, "\(outcome.errors)")
    }

    /// A copy to be damaged.
    mutating func copy() throws -> String {
      turn += 1
      let path = folder.file("run-\(turn)")
      try FileManager.default.copyItem(atPath: template, toPath: path)
      return path
    }
  }

  private static let files = [
    "MANIFEST.json", "config.json", "verdant.json", "model.safetensors", "optimizer.safetensors",
    "state.json",
  ]
  private let manager = FileManager.default

  private func checkpoint(_ run: String, _ step: Int) -> String {
    run + "/checkpoints/step-00000000\(step)"
  }

  /// The content of everything but the lock.
  private func content(_ run: String) throws -> [String: String] {
    var found: [String: String] = [:]
    for name in try manager.subpathsOfDirectory(atPath: run) where name != "lock" {
      var isFolder: ObjCBool = false
      _ = manager.fileExists(atPath: run + "/" + name, isDirectory: &isFolder)
      let isRegular =
        try manager.attributesOfItem(atPath: run + "/" + name)[.type] as? FileAttributeType
        == .typeRegular
      found[name] =
        isRegular ? try SHA256.digest(ofFile: run + "/" + name) : "\(isFolder.boolValue)"
    }
    return found
  }

  private func resume(_ run: String, _ more: String...) throws -> Program.Outcome {
    try Program.run(["train", "--resume", run, "-q"] + more)
  }

  private func put(_ bytes: some Sequence<UInt8>, _ path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  private func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Damage to one file of a checkpoint.
  private func damages(_ name: String) -> [(name: String, apply: (String) throws -> Void)] {
    var list: [(String, (String) throws -> Void)] = [
      ("\(name) missing", { try self.manager.removeItem(atPath: $0) }),
      (
        "\(name) is a folder",
        {
          try self.manager.removeItem(atPath: $0)
          try self.manager.createDirectory(atPath: $0, withIntermediateDirectories: false)
        }
      ),
      (
        "\(name) is a link",
        {
          try self.manager.moveItem(atPath: $0, toPath: $0 + ".moved")
          try self.manager.createSymbolicLink(atPath: $0, withDestinationPath: $0 + ".moved")
        }
      ),
      (
        "\(name) is a pipe",
        {
          try self.manager.removeItem(atPath: $0)
          try #require(mkfifo($0, 0o600) == 0)
        }
      ), ("\(name) with a byte more", { try self.put(self.bytes($0) + [0], $0) }),
      (
        "\(name) with one bit changed",
        {
          var content = try self.bytes($0)
          content[content.count / 2] ^= 4
          try self.put(content, $0)
        }
      ),
    ]
    for length in [0, 1, 7, 8, 9] {
      list.append(
        ("\(name) cut to \(length)", { try self.put(self.bytes($0).prefix(length), $0) }))
    }
    for share in [1, 2] {
      list.append(
        (
          "\(name) cut, \(share)",
          {
            let content = try self.bytes($0)
            try self.put(content.prefix((content.count - 1) / share), $0)
          }
        ))
    }
    return list
  }

  @Test func aDamagedFileIsNamedAndPassedOver() throws {
    var run = try Run()
    for file in Self.files {
      for damage in damages(file) {
        let path = try run.copy()
        defer { try? manager.removeItem(atPath: path) }
        try damage.apply(checkpoint(path, 6) + "/" + file)
        let outcome = try resume(path)
        #expect(outcome.code == 0, "\(damage.name): \(outcome.code) \(outcome.errors)")
        #expect(outcome.errors.contains("passed over: error["), "\(damage.name)")
        #expect(
          outcome.errors.contains("step-000000006/" + file), "\(damage.name): \(outcome.errors)")
        for result in [
          "model/model.safetensors", "checkpoints/step-000000006/optimizer.safetensors",
        ] {
          #expect(
            try bytes(path + "/" + result) == bytes(run.template + "/" + result), "\(damage.name)")
        }
      }
    }
  }

  @Test func withoutAValidCheckpointNothingChanges() throws {
    var run = try Run()
    for file in Self.files {
      let damages = damages(file)
      for damage in [damages[0], damages[1], damages[damages.count - 1]] {
        let path = try run.copy()
        defer { try? manager.removeItem(atPath: path) }
        for step in [4, 6] { try damage.apply(checkpoint(path, step) + "/" + file) }
        let before = try content(path)
        let outcome = try resume(path)
        #expect(outcome.code == 66, "\(damage.name): \(outcome.code) \(outcome.errors)")
        #expect(outcome.errors.contains("no checkpoint to go on from"), "\(damage.name)")
        #expect(try content(path) == before, "\(damage.name)")
      }
    }
  }

  @Test func manifestsThatAreNone() throws {
    var run = try Run()
    let whole = try String(
      contentsOfFile: checkpoint(run.template, 6) + "/MANIFEST.json", encoding: .utf8)
    for (text, what) in [
      ("", "no manifest"), ("[]", "no manifest"), ("null", "no manifest"), ("{}", "no manifest"),
      ("\u{FEFF}" + whole, "manifest"),
      (whole.replacingOccurrences(of: "\"format\": 1", with: "\"format\": 2"), "format 2"),
      (whole.replacingOccurrences(of: "\"format\": 1", with: "\"format\": \"1\""), "no manifest"),
      (whole.replacingOccurrences(of: "\"step\": 6", with: "\"step\": 7"), "its own hash"),
      (whole.replacingOccurrences(of: "\"step\": 6", with: "\"step\": -1"), "no manifest"),
      (whole.replacingOccurrences(of: "\"step\": 6", with: "\"step\": 1e400"), "no manifest"),
      (whole.replacingOccurrences(of: "config.json", with: "../config.json"), "describes no file"),
      (whole.replacingOccurrences(of: "\"bytes\": ", with: "\"bytes\": -"), "describes no file"),
      (whole.replacingOccurrences(of: "\"sha256\": \"", with: "\"sha256\": \"0"), "its own hash"),
      (String(repeating: "[", count: 1_000_000), "no manifest"),
      (String(repeating: " ", count: 5 << 20), "bytes"),
    ] {
      let path = try run.copy()
      defer { try? manager.removeItem(atPath: path) }
      try put(text.utf8, checkpoint(path, 6) + "/MANIFEST.json")
      let outcome = try resume(path)
      #expect(outcome.code == 0 && outcome.errors.contains("MANIFEST.json"), "\(outcome.errors)")
      #expect(outcome.errors.contains(what), "\(text.prefix(40)): \(outcome.errors)")
    }
  }

  /// Writes the manifest that the files of a checkpoint have now.
  private func seal(_ folder: String, step: Int = 6, without: String? = nil) throws {
    let names = Self.files.filter { $0 != "MANIFEST.json" && $0 != without }
    let files = try names.map { name in
      let path = folder + "/" + name
      return Manifest.File(
        name: name, byteCount: try bytes(path).count, digest: try SHA256.digest(ofFile: path))
    }
    try put(Manifest(step: step, files: files).bytes(), folder + "/MANIFEST.json")
  }

  private func replace(_ file: String, _ old: String, _ new: String) throws {
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let range = try #require(text.range(of: old, options: .regularExpression), "\(old) in \(file)")
    try put(text.replacingCharacters(in: range, with: new).utf8, file)
  }

  /// Every byte is as the manifest says, and yet it is no checkpoint of this run.
  @Test func statesThatContradictThemselves() throws {
    var run = try Run()
    for (old, new, code, what) in [
      (#""format": 1"#, #""format": 2"#, 0, "another format"),
      (#""format": 1"#, #""format": "1""#, 0, "another format"),
      (#""step": 6"#, #""step": 5"#, 0, "not of the manifest's step"),
      (#""step": 6"#, #""step": "6""#, 0, "not of the manifest's step"),
      (#""step": 6"#, #""stop": 6"#, 0, "not of the manifest's step"),
      (#""optimizer_steps": 6"#, #""optimizer_steps": -1"#, 65, "optimizer_steps"),
      (#""optimizer_steps": 6"#, #""optimizer_steps": 7"#, 65, "0 to 6"),
      (#""optimizer_steps": 6"#, #""optimizer_steps": [6]"#, 65, "optimizer_steps"),
      (#""optimizer_tensors": [0-9]+"#, #""optimizer_tensors": 3"#, 65, "3 in state.json"),
      (#""optimizer_tensors": [0-9]+,"#, "", 65, "optimizer.safetensors"),
      (#""kind": "adamw""#, #""kind": "sgd""#, 65, "another optimizer"),
      (#""beta1": 0.9"#, #""beta1": 0.8"#, 65, "another optimizer"),
      (#""data_fingerprint": ""#, #""data_fingerprint": "0"#, 78, "--allow-data-change"),
      (#""watch": \{"#, #""watched": {"#, 65, "record of losses"),
      (#""skipped": 0"#, #""skipped": -1"#, 65, "record of losses"),
      (#""skipped": 0"#, #""skipped": 9223372036854775807"#, 65, "record of losses"),
      (#""batch_offset": 0"#, #""batch_offset": 9007199254740991"#, 65, "batches ahead"),
      (#""losses": \["#, #""losses": ["1", "#, 65, "record of losses"),
      (#"^\{"#, "[{", 0, "state.json"), (#"^"#, "\u{FEFF}", 0, "state.json"),
    ] {
      let path = try run.copy()
      defer { try? manager.removeItem(atPath: path) }
      try replace(checkpoint(path, 6) + "/state.json", old, new)
      try seal(checkpoint(path, 6))
      let before = try content(path)
      let outcome = try resume(path)
      #expect(outcome.code == Int32(code), "\(new): \(outcome.code) \(outcome.errors)")
      #expect(outcome.errors.contains(what), "\(new): \(outcome.errors)")
      if code != 0 { #expect(try content(path) == before, "\(new)") }
    }
  }

  /// A safetensors file from names, shapes and zeros.
  private func safetensors(_ tensors: [(name: String, shape: [Int], type: String)]) -> [UInt8] {
    var header: JSONObject = [:]
    var offset = 0
    for tensor in tensors {
      let count = tensor.shape.reduce(1, *) * (tensor.type == "F32" ? 4 : 2)
      header[tensor.name] = [
        "dtype": .string(tensor.type), "shape": .array(tensor.shape.map { .integer($0) }),
        "data_offsets": .array([.integer(offset), .integer(offset + count)]),
      ]
      offset += count
    }
    let json = Array(((try? JSONValue.object(header).serialized()) ?? "").utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) }
    return length + json + [UInt8](repeating: 0, count: offset)
  }

  @Test func tensorsOfTheOptimizer() throws {
    var run = try Run()
    let file = try SafetensorsFile(checkpoint(run.template, 6) + "/optimizer.safetensors")
    let all = file.entries.map { (name: $0.name, shape: $0.shape, type: "F32") }
    let first = all[0]
    for (tensors, what) in [
      (Array(all.dropFirst()), "tensors"), ([], "tensors"),
      (all + [("first.nothing", [2], "F32")], "first.nothing"),
      (all + [("third." + first.name.dropFirst(6), first.shape, "F32")], "third."),
      ([("noslot", [1], "F32")] + all, "noslot"),
      ([(first.name, first.shape + [1], "F32")] + all.dropFirst(), first.name),
      ([(first.name, first.shape.reversed().map { $0 + 1 }, "F32")] + all.dropFirst(), first.name),
      ([(first.name, first.shape, "BF16")] + all.dropFirst(), "BF16"),
      ([(first.name, first.shape, "I16")] + all.dropFirst(), "I16"),
    ] as [([(name: String, shape: [Int], type: String)], String)] {
      let path = try run.copy()
      defer { try? manager.removeItem(atPath: path) }
      try put(safetensors(tensors), checkpoint(path, 6) + "/optimizer.safetensors")
      try seal(checkpoint(path, 6))
      let before = try content(path)
      let outcome = try resume(path)
      #expect(outcome.code == 65, "\(what): \(outcome.code) \(outcome.errors)")
      #expect(outcome.errors.contains("optimizer.safetensors"), "\(outcome.errors)")
      #expect(outcome.errors.contains(what), "\(what): \(outcome.errors)")
      #expect(try content(path) == before)
    }
    let path = try run.copy()
    try seal(checkpoint(path, 6), without: "optimizer.safetensors")
    let outcome = try resume(path)
    #expect(outcome.code == 0 && outcome.errors.contains("no file optimizer.safetensors"))
  }

  @Test func recipesOfAnotherRun() throws {
    var run = try Run()
    for (setting, code, what) in [
      ("model.width=64", 65, "config.json"), ("model.layers=3", 65, "another model"),
      ("training.optimizer=sgd", 65, "another optimizer"), ("training.steps=5", 78, "step 6"),
      ("training.batch=0", 78, "training.batch"), ("data.train=README.md", 78, "data.train"),
      ("data.train=none.txt", 66, "none.txt"),
    ] {
      let path = try run.copy()
      defer { try? manager.removeItem(atPath: path) }
      let before = try content(path)
      let outcome = try resume(path, "--set", setting)
      #expect(outcome.code == Int32(code), "\(setting): \(outcome.code) \(outcome.errors)")
      #expect(outcome.errors.contains(what), "\(setting): \(outcome.errors)")
      #expect(try content(path) == before, "\(setting)")
    }
    // The same, edited in the file.
    let path = try run.copy()
    try replace(path + "/recipe.yaml", "width: 32", "width: 64")
    let outcome = try resume(path)
    #expect(outcome.code == 65 && outcome.errors.contains("another model"), "\(outcome.errors)")
  }

  @Test func otherFilesOfTheRun() throws {
    var run = try Run()
    func folder(_ path: String) throws {
      try? manager.removeItem(atPath: path)
      try manager.createDirectory(atPath: path, withIntermediateDirectories: false)
    }
    let garbage: [UInt8] = [0xFF, 0, 0x7B, 10]
    let cases: [(String, Int32, String, (String) throws -> Void)] = [
      ("latest garbage", 0, "", { try self.put(garbage, $0 + "/latest") }),
      ("latest missing", 0, "", { try self.manager.removeItem(atPath: $0 + "/latest") }),
      ("latest a folder", 0, "latest", { try folder($0 + "/latest") }),
      ("run.json garbage", 0, "", { try self.put(garbage, $0 + "/run.json") }),
      ("run.json missing", 0, "", { try self.manager.removeItem(atPath: $0 + "/run.json") }),
      ("run.json a folder", 73, "run.json", { try folder($0 + "/run.json") }),
      ("metrics garbage", 0, "", { try self.put(garbage, $0 + "/metrics.jsonl") }),
      ("metrics missing", 0, "", { try self.manager.removeItem(atPath: $0 + "/metrics.jsonl") }),
      ("metrics a folder", 65, "metrics.jsonl", { try folder($0 + "/metrics.jsonl") }),
      (
        "recipe missing", 66, "recipe.yaml",
        { try self.manager.removeItem(atPath: $0 + "/recipe.yaml") }
      ),
      ("recipe a folder", 78, "recipe.yaml", { try folder($0 + "/recipe.yaml") }),
      ("recipe garbage", 78, "recipe.yaml", { try self.put(garbage, $0 + "/recipe.yaml") }),
      ("recipe empty", 78, "recipe.yaml", { try self.put([], $0 + "/recipe.yaml") }),
      ("lock a folder", 65, "lock", { try folder($0 + "/lock") }),
      (
        "lock a link", 65, "lock",
        {
          try? self.manager.removeItem(atPath: $0 + "/lock")
          try self.manager.createSymbolicLink(atPath: $0 + "/lock", withDestinationPath: "x")
        }
      ),
      (
        "checkpoints a file", 66, "checkpoints",
        {
          try self.manager.removeItem(atPath: $0 + "/checkpoints")
          try self.put(garbage, $0 + "/checkpoints")
        }
      ), ("checkpoints empty", 66, "checkpoints", { try folder($0 + "/checkpoints") }),
      (
        "folders with other names", 0, "",
        { run in
          for name in ["step-6", "step-x", "step--00000001", "step-99999999999999999999", "x"] {
            try folder(run + "/checkpoints/" + name)
          }
        }
      ),
      (
        "a checkpoint under the name of a later step", 0, "is of step 6",
        {
          try self.manager.copyItem(
            atPath: self.checkpoint($0, 6), toPath: self.checkpoint($0, 9))
        }
      ),
      (
        "a checkpoint is a file", 0, "step-000000006",
        {
          try self.manager.removeItem(atPath: self.checkpoint($0, 6))
          try self.put(garbage, self.checkpoint($0, 6))
        }
      ),
    ]
    for (name, code, what, damage) in cases {
      let path = try run.copy()
      defer { try? manager.removeItem(atPath: path) }
      try damage(path)
      let outcome = try resume(path, "--set", "training.steps=8")
      #expect(outcome.code == code, "\(name): \(outcome.code) \(outcome.errors)")
      #expect(what.isEmpty || outcome.errors.contains(what), "\(name): \(outcome.errors)")
      // What a list shows of it is no crash either.
      #expect([0, 66].contains(try Program.run(["runs", path]).code), "\(name)")
    }
  }
}
