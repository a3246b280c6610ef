import Foundation
import Testing
import Verdant

/// Folders of the Hugging Face Hub in the tool: vectors of texts, conversion, what is refused.
@Suite struct FamilyCommandTests {
  private let golden = Program.root.appendingPathComponent("Tests/Golden/families")

  /// A golden checkpoint with a tokenizer of words.
  private func model(_ name: String, _ folder: Folder) throws -> String {
    let path = folder.file(name)
    try FileManager.default.copyItem(
      at: golden.appendingPathComponent(name), to: URL(fileURLWithPath: path))
    let tokenizer = """
      {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"},
       "model": {"type": "WordLevel", "unk_token": "[UNK]",
       "vocab": {"[UNK]": 0, "sea": 3, "wind": 4, "and": 5, "ship": 6}}}
      """
    try Data(tokenizer.utf8).write(to: URL(fileURLWithPath: path + "/tokenizer.json"))
    return path
  }

  @Test func embed() throws {
    let folder = try Folder()
    let path = try model("bert-base", folder)
    let texts = try folder.write("texts.txt", "sea and wind\nship\r\nwind and sea\n")
    let lines = try Program.run(["embed", path, "sea and wind", "ship", "wind and sea"])
    #expect(lines.code == 0, "\(lines.errors)")
    let values = try lines.output.split(separator: "\n").map {
      try JSONValue(parsing: String($0))["embedding"]?.arrayValue?.compactMap(\.doubleValue) ?? []
    }
    #expect(values.count == 3 && values.allSatisfy { $0.count == 24 })

    let array = folder.file("vectors.npy")
    let written = try Program.run(["embed", path, "--input", texts, "--out", array, "-q"])
    #expect(written.code == 0, "\(written.errors)")
    let bytes = try Data(contentsOf: URL(fileURLWithPath: array))
    #expect(bytes.count == 128 + 3 * 24 * 4 && bytes.starts(with: [0x93, 0x4E, 0x55]))
    #expect(String(decoding: bytes[10..<127], as: UTF8.self).contains("(3, 24)"))
    let numbers = bytes[128...].withUnsafeBytes { buffer in
      (0..<72).map { Double(buffer.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)) }
    }
    for (one, other) in zip(numbers, values.joined()) { #expect(abs(one - other) < 1e-6) }
    #expect(try Program.run(["embed", path, "sea", "--out", array]).code == 73)

    let found = try Program.run(
      ["embed", path, "--input", texts, "--query", "ship", "--top", "2", "--json"])
    let best = try found.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    #expect(best.count == 2 && best[0]["text"] == "ship" && best[0]["line"] == 2)
    #expect(abs((best[0]["score"]?.doubleValue ?? 0) - 1) < 1e-5)
    let unit = try Program.run(["embed", path, "sea", "--normalize"])
    let vector = try JSONValue(parsing: unit.output)["embedding"]?.arrayValue ?? []
    let square = vector.reduce(0.0) { $0 + ($1.doubleValue ?? 0) * ($1.doubleValue ?? 0) }
    #expect(abs(square - 1) < 1e-5)
  }

  @Test func convert() throws {
    let folder = try Folder()
    let path = try model("qwen2", folder)
    for (form, expected) in [("automatic", "qwen2"), ("verdant", "verdant"), ("qwen2", "qwen2")] {
      let out = folder.file("out-\(form)")
      let outcome = try Program.run(["convert", path, out, "--form", form, "--json"])
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(try JSONValue(parsing: outcome.output)["form"] == .string(expected))
      let texts = try [path, out].map {
        try Program.run(["generate", $0, "--prompt", "sea", "--tokens", "5", "--greedy"]).output
      }
      #expect(texts[0] == texts[1])
    }
    let shards = folder.file("shards")
    #expect(try Program.run(["convert", path, shards, "--shard", "1"]).code == 0)
    #expect(try Program.run(["inspect", shards]).code == 0)
    #expect(try Program.run(["convert", path, shards]).code == 73)
    #expect(try Program.run(["convert", path, shards, "--overwrite"]).code == 0)
    let refused = try Program.run(["convert", path, folder.file("x"), "--form", "bert"])
    #expect(refused.code == 78 && refused.errors.contains("qwen2"))
    #expect(try Program.run(["convert", path, folder.file("x"), "--form", "gpt17"]).code == 64)
  }

  @Test func classify() throws {
    let folder = try Folder()
    let path = try model("bert-classifier", folder)
    let outcome = try Program.run(["classify", path, "sea and wind", "ship", "--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    for line in outcome.output.split(separator: "\n") {
      let values = try #require(JSONValue(parsing: String(line))["probabilities"]?.objectValue)
      #expect(values.keys == ["no", "yes", "perhaps"])
      #expect(abs(values.values.reduce(0) { $0 + ($1.doubleValue ?? 0) } - 1) < 1e-6)
    }
  }

  @Test func whatIsMissingHasItsOwnStatus() throws {
    let folder = try Folder()
    let path = try model("gpt2", folder)
    try FileManager.default.removeItem(atPath: path + "/tokenizer.json")
    let outcome = try Program.run(["inspect", path])
    #expect(outcome.code == 66 && outcome.errors.contains("tokenizer.json"))
  }
}
