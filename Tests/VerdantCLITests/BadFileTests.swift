import Foundation
import Testing
import Verdant

/// Every class of bad input, for every kind of file that training reads.
@Suite struct BadFileTests {
  /// A kind of data file: how a piece of text becomes its content.
  private struct Kind: Sendable {
    let name: String
    var settings: [String] = []
    /// A file whose first record holds the given bytes.
    let content: @Sendable ([UInt8]) -> [UInt8]
  }

  private static func lines(_ first: [UInt8], _ rest: [String]) -> [UInt8] {
    first + Array(("\n" + rest.joined(separator: "\n") + "\n").utf8)
  }

  private static let kinds = [
    Kind(name: "a.txt") { $0 + Array(sampleText.utf8) },
    Kind(name: "a.jsonl") { bytes in
      lines(
        Array(#"{"text": ""#.utf8) + bytes + Array(#""}"#.utf8),
        (0..<99).map { #"{"text": "line \#($0) of a text that is long enough"}"# })
    },
    Kind(name: "b.jsonl", settings: ["data.records=completion"]) { bytes in
      lines(
        Array(#"{"prompt": "p", "completion": ""#.utf8) + bytes + Array(#" "}"#.utf8),
        (0..<99).map { #"{"prompt": "question \#($0)", "completion": "answer"}"# })
    },
    Kind(name: "a.csv", settings: ["data.records=completion"]) { bytes in
      lines(
        Array("prompt,completion\np,\"".utf8) + bytes + Array(" \"".utf8),
        (0..<99).map { "question \($0),answer" })
    },
    Kind(name: "a.tsv", settings: ["data.records=completion"]) { bytes in
      lines(
        Array("prompt\tcompletion\np\t".utf8) + bytes + [0x2E],
        (0..<99).map { "question \($0)\tanswer" })
    },
  ]

  private func train(_ folder: Folder, _ data: String, _ settings: [String])
    throws -> Program.Outcome
  {
    let run = folder.file("run")
    let outcome = try Program.run(
      ["train", "Recipes/demo-dense.yaml", "-q", "--out", run, "--set", "data.train=\(data)"]
        + tiny
        + (["training.steps=1", "data.validation_fraction=0"] + settings)
        .flatMap { ["--set", $0] })
    let exists = FileManager.default.fileExists(atPath: run)
    #expect(exists == (outcome.code == 0), "\(outcome.errors)")
    try? FileManager.default.removeItem(atPath: run)
    return outcome
  }

  @Test func contents() throws {
    let folder = try Folder()
    let classes: [(name: String, bytes: [UInt8])] = [
      ("overlong", [0xC0, 0xAF]), ("surrogate", [0xED, 0xA0, 0x80]),
      ("beyond Unicode", [0xF4, 0x90, 0x80, 0x80]), ("lone", [0x80]),
      ("cut character", [0xE2, 0x82]), ("NUL", [0x61, 0, 0x62]),
    ]
    for kind in Self.kinds {
      for found in classes {
        let path = try folder.write(kind.name, kind.content(found.bytes))
        let outcome = try train(folder, path, kind.settings)
        #expect(outcome.code == 65, "\(kind.name), \(found.name): \(outcome.errors)")
        #expect(outcome.errors.contains(kind.name), "\(outcome.errors)")
        let place =
          kind.name == "a.txt" ? "byte " : kind.name.hasSuffix("l") ? "line 1, " : "line 2, "
        #expect(
          outcome.errors.contains(place), "\(kind.name), \(found.name): \(outcome.errors)")
      }
      for (name, bytes) in [
        ("plain", Array("ab".utf8)), ("U+2028", Array("a\u{2028}b".utf8)),
        ("BOM inside", Array("a\u{FEFF}b".utf8)), ("letters", Array("ü世😀".utf8)),
      ] {
        let path = try folder.write(kind.name, kind.content(bytes))
        #expect(try train(folder, path, kind.settings).code == 0, "\(kind.name), \(name)")
      }
      // Of the whole file.
      let good = kind.content(Array("ab".utf8))
      let text = String(decoding: good, as: UTF8.self)
      for (name, bytes) in [
        ("no final newline", Array(good.dropLast())),
        ("CRLF", Array(text.replacingOccurrences(of: "\n", with: "\r\n").utf8)),
        ("byte order mark", [0xEF, 0xBB, 0xBF] + good),
      ] {
        let path = try folder.write(kind.name, bytes)
        let outcome = try train(folder, path, kind.settings)
        #expect(outcome.code == 0, "\(kind.name), \(name): \(outcome.errors)")
      }
      for (name, bytes, what) in [
        ("empty", [], kind.name), ("newlines", [10, 10, 13, 10, 10], kind.name),
        ("UTF-16", [0xFF, 0xFE] + good.flatMap { [$0, 0] }, "UTF-16"),
        ("UTF-32", [0, 0, 0xFE, 0xFF] + good.flatMap { [0, 0, 0, $0] }, "UTF-32"),
        ("gzip", [0x1F, 0x8B, 8, 0] + good, "gzip"), ("zip", [0x50, 0x4B, 3, 4] + good, "zip"),
        ("cut in a character", good + [0xE2, 0x82], kind.name),
      ] as [(String, [UInt8], String)] {
        // A text of newlines is a text.
        if name == "newlines" && kind.name == "a.txt" { continue }
        let path = try folder.write(kind.name, bytes)
        let outcome = try train(folder, path, kind.settings)
        #expect(outcome.code == 65, "\(kind.name), \(name): \(outcome.code) \(outcome.errors)")
        #expect(outcome.errors.contains(what), "\(kind.name), \(name): \(outcome.errors)")
      }
    }
  }

  @Test func records() throws {
    let folder = try Folder()
    let nested = String(repeating: "[", count: 1_000_000)
    for (kind, line, what) in [
      (1, #"{"txt": "a"}"#, "'text'"), (1, #"{"text": 3}"#, "of type"),
      (1, #"{"text": null}"#, "null"), (1, #"{"text": "a", "text": "b"}"#, "twice"),
      (1, #"{"text": 1e999}"#, "line 2"), (1, nested, "line 2"), (1, "text", "line 2"),
      (1, #"{"text": "a"} {"text": "b"}"#, "line 2"), (1, #"{"text": "\ud800"}"#, "line 2"),
      (2, #"{"prompt": "a"}"#, "'completion'"), (2, #"{"completion": "a"}"#, "'prompt'"),
      (2, #"{"prompt": "a", "completion": ""}"#, "empty"),
      (2, #"{"prompt": ["a"], "completion": "b"}"#, "of type"), (3, "a", "1 fields"),
      (3, "a,b,c", "3 fields"), (3, "a,", "empty"), (3, "a,\"b\"c", "behind the closing quote"),
      (3, "a,b\"c\"", "inside of a field"), (3, "a,\"b", "no end"),
      (3, "a\rb,c", "carriage return"),
      (4, "a b", "1 fields"), (4, "a\tb\tc", "3 fields"),
    ] {
      let kind = Self.kinds[kind]
      var bytes = kind.content(Array("ab".utf8))
      let isTable = !kind.name.hasSuffix("l")
      // Behind the first record.
      let ends = bytes.indices.filter { bytes[$0] == 10 }
      bytes.insert(contentsOf: Array((line + "\n").utf8), at: ends[isTable ? 1 : 0] + 1)
      let path = try folder.write(kind.name, bytes)
      let outcome = try train(folder, path, kind.settings)
      #expect(outcome.code == 65, "\(line.prefix(40)): \(outcome.code) \(outcome.errors)")
      #expect(outcome.errors.contains(what), "\(line.prefix(40)): \(outcome.errors)")
      #expect(
        outcome.errors.contains("\(kind.name):line \(isTable ? 3 : 2), "), "\(outcome.errors)")
      let skipped = try train(folder, path, kind.settings + ["data.on_bad_line=skip"])
      // One of 101 is allowed; a quote without end takes no more than its line.
      #expect(skipped.code == 0, "\(line.prefix(40)): \(skipped.errors)")
    }
    for kind in Self.kinds where kind.name != "a.txt" {
      let header = kind.name.hasSuffix("v") ? "prompt,completion\nprompt\tcompletion\n" : ""
      let path = try folder.write(kind.name, header + String(repeating: "x\n", count: 50))
      let outcome = try train(folder, path, kind.settings + ["data.on_bad_line=skip"])
      #expect(outcome.code == 65 && outcome.errors.contains(kind.name), "\(outcome.errors)")
    }
    // A line beyond the limit.
    let long = try folder.write("a.jsonl", Self.kinds[1].content([]))
    #expect(truncate(long, 65 << 20) == 0)
    let outcome = try train(folder, long, [])
    #expect(outcome.code == 65 && outcome.errors.contains("line 101"), "\(outcome.errors)")
  }

  /// What can stand in the place of a file, with the status for data and for a recipe.
  @Test func placesOfFiles() throws {
    let folder = try Folder()
    let manager = FileManager.default
    #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
    try manager.createDirectory(atPath: folder.file("folder"), withIntermediateDirectories: false)
    try manager.createSymbolicLink(atPath: folder.file("loop"), withDestinationPath: "loop")
    try manager.createSymbolicLink(atPath: folder.file("dangling"), withDestinationPath: "nothing")
    for (name, data, recipe) in [
      ("missing", Int32(66), Int32(66)), ("dangling", 66, 66), ("loop", 65, 78), ("pipe", 65, 78),
      ("folder", 65, 78), ("/dev/null", 65, 78), ("/dev/full", 65, 78),
    ] {
      let path = name.hasPrefix("/") ? name : folder.file(name)
      for kind in Self.kinds {
        let outcome = try train(folder, path, kind.settings)
        #expect(outcome.code == data, "\(kind.name), \(name): \(outcome.code) \(outcome.errors)")
        #expect(outcome.errors.contains(name), "\(outcome.errors)")
      }
      let outcome = try Program.run(["train", path, "--out", folder.file("run")])
      #expect(outcome.code == recipe, "\(name): \(outcome.code) \(outcome.errors)")
      #expect(outcome.errors.contains(name), "\(outcome.errors)")
      #expect(!manager.fileExists(atPath: folder.file("run")))
    }
  }

  @Test(.enabled(if: geteuid() != 0, "root may read everything"))
  func filesThatMayNotBeRead() throws {
    let folder = try Folder()
    for kind in Self.kinds {
      let path = try folder.write(kind.name, kind.content([]))
      #expect(chmod(path, 0) == 0)
      let outcome = try train(folder, path, kind.settings)
      #expect(outcome.code == 66 && outcome.errors.contains(kind.name), "\(outcome.errors)")
      #expect(unlink(path) == 0)
    }
    let recipe = try folder.write("r.yaml", "")
    #expect(chmod(recipe, 0) == 0)
    #expect(try Program.run(["train", recipe, "--out", folder.file("run")]).code == 66)
    let text = try folder.write("text", sampleText)
    #expect(chmod(folder.url.path, 0o500) == 0)
    defer { _ = chmod(folder.url.path, 0o700) }
    let outcome = try train(folder, text, [])
    #expect(outcome.code == 73 && outcome.errors.contains("run"), "\(outcome.errors)")
  }

  @Test func contentsOfRecipes() throws {
    let folder = try Folder()
    let good = "data: {train: [a.txt]}\ntraining: {steps: 5}\n"
    for (name, bytes, what) in [
      ("empty", [], "data.train"), ("newlines", [10, 10, 10], "data.train"),
      ("a list", Array("- a\n".utf8), "mapping"), ("a text", Array("hello\n".utf8), "mapping"),
      ("a number", Array("3\n".utf8), "mapping"),
      ("invalid UTF-8", [0x61, 0x3A, 0xC0, 0xAF], "UTF-8"),
      ("UTF-16", [0xFF, 0xFE] + good.utf8.flatMap { [$0, 0] }, ""),
      ("UTF-32", [0, 0, 0xFE, 0xFF] + good.utf8.flatMap { [0, 0, 0, $0] }, ""),
      ("NUL", Array(good.utf8) + [0], ""), ("gzip", [0x1F, 0x8B, 8, 0], ""),
      ("zip", [0x50, 0x4B, 3, 4, 20], ""),
      ("a tab", Array("model:\n\tlayers: 3\n".utf8), "line 2"),
      ("a key twice", Array("model: {width: 8, width: 16}\n".utf8), "width"),
      ("a section twice", Array((good + good).utf8), "data"),
      ("unclosed", Array("model: {width: 8\n".utf8), "line"),
      ("two documents", Array((good + "---\n" + good).utf8), ""),
      ("an anchor", Array("model: &a {width: 8}\n".utf8), "anchors"),
      ("a tag", Array((good + "model: !!python/object:os.system {width: 8}\n").utf8), nil),
      ("deep", Array(("model: " + String(repeating: "[", count: 100_000)).utf8), ""),
      ("too large", [UInt8](repeating: 32, count: (4 << 20) + 1), "bytes"),
      ("wrong section", Array("model: 3\n".utf8), "model"),
      (
        "a cache of completions",
        Array("data: {train: [a.csv], records: completion, cache: c}\n".utf8), "data.cache"
      ),
      ("null key", Array("~: 3\n".utf8), ""),
    ] as [(String, [UInt8], String?)] {
      let path = try folder.write("r.yaml", bytes)
      let outcome = try Program.run(["train", path, "--dry-run"])
      guard let what else {
        #expect([0, 78].contains(outcome.code), "\(name): \(outcome.code) \(outcome.errors)")
        continue
      }
      #expect(outcome.code == 78, "\(name): \(outcome.code) \(outcome.errors)")
      #expect(
        outcome.errors.contains("r.yaml") && (what.isEmpty || outcome.errors.contains(what)),
        "\(name): \(outcome.errors)")
    }
  }

  /// Every option with every hostile value is taken or refused by its name, and never ends in a crash.
  @Test func valuesOfOptions() throws {
    let folder = try Folder()
    let text = try folder.write("text.txt", sampleText)
    var keys: [String] = []
    func collect(_ json: JSONValue, _ path: String) {
      guard let object = json.objectValue, !object.isEmpty else { return keys.append(path) }
      for (key, value) in object { collect(value, path.isEmpty ? key : path + "." + key) }
    }
    var recipe = Recipe()
    recipe.training.steps = 3
    collect(recipe.json, "")
    #expect(keys.count > 40 && keys.contains("training.schedule.warmup_steps"))
    let values = [
      "null", "-1", "0", "1.5", "9223372036854775808", "1e400", ".nan", "[1]", "{a: 1}", "''",
    ]
    for key in keys {
      for value in values {
        let outcome = try Program.run(
          [
            "train", "Recipes/demo-dense.yaml", "--dry-run", "-q", "--set", "data.train=\(text)",
            "--set", "\(key)=\(value)",
          ])
        #expect(
          [0, 65, 66, 71, 78].contains(outcome.code),
          "\(key)=\(value): \(outcome.code) \(outcome.errors)")
        if outcome.code != 0 {
          let name = key.split(separator: ".").last.map(String.init) ?? key
          let isNamed =
            outcome.errors.contains(name) || outcome.code == 71 || key.hasPrefix("data.train")
            || (["distillation.teacher", "model.from"].contains(key)
              && outcome.errors.contains("model folder"))
            || (key == "data.tokenizer" && outcome.code == 66)
          #expect(isNamed, "\(key)=\(value): \(outcome.errors)")
        }
      }
    }
  }
}
