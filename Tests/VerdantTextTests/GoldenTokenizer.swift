import Foundation
import Testing
import Verdant

/// A tokenizer of `Tools/golden/tokenizers.py` with what the original gives for texts.
struct GoldenTokenizer {
  static let names = [
    "gpt2", "roberta", "llama3", "qwen2", "llama2", "mistral", "bert", "cased", "unigram", "xlm",
    "forms", "left",
  ]

  static let folder =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")
    .path

  static func bytes(_ name: String) throws -> [UInt8] {
    try readFile("\(folder)/\(name)", limit: 1 << 20)
  }

  /// A text with its tokens.
  struct Case {
    let json: JSONValue
    let text: String

    func integers(_ key: String) -> [Int32]? {
      json[key]?.arrayValue?.compactMap { $0.intValue.map(Int32.init) }
    }

    var offsets: [Range<Int>] {
      let flat = json["offsets"]?.arrayValue?.compactMap(\.intValue) ?? []
      return stride(from: 0, to: flat.count, by: 2).map { flat[$0]..<flat[$0 + 1] }
    }
  }

  let tokenizer: PretrainedTokenizer
  let cases: [Case]

  init(_ name: String) throws {
    tokenizer = try PretrainedTokenizer(file: "\(Self.folder)/\(name).json")
    let list = try JSONValue(parsing: Self.bytes("\(name).cases.json")).arrayValue ?? []
    cases = try list.map { Case(json: $0, text: try #require($0["text"]?.stringValue)) }
  }
}
