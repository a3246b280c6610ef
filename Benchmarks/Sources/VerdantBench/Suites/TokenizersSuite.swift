import Foundation
import Verdant

extension Suite {
  /// Tokenizers on one thread; `scripts/bench tokenizers` makes the files.
  static var tokenizers: Suite {
    let families = ["gpt2", "llama3", "llama2", "bert", "unigram"]
    return Suite(
      name: "tokenizers", abstract: "encoding text and loading vocabularies, on one thread",
      rounds: 3, variants: [PeerVariant(isCompiled: false, hasVendorCheck: true)],
      rows: families.flatMap { family in
        [false, true].map { BenchmarkRow.encoding(family, withOffsets: $0) }
      } + [.loading("large")],
      peer: PeerProgram(file: "tokenizers_row.py", package: "tokenizers"))
  }
}

extension BenchmarkRow {
  private static var folder: String { BenchCommand.root + "/Benchmarks/.tokenizers" }
  private static var text: String { folder + "/lines.jsonl" }

  private static func lines() throws -> [String] {
    try readFile(text, limit: 1 << 30).split(separator: 0x0A).map { line in
      guard let text = try JSONValue(parsing: Array(line))["text"]?.stringValue else {
        throw DataError(.missingField, "a line without text", file: Self.text)
      }
      return text
    }
  }

  /// MB/s of UTF-8, all lines one after the other.
  static func encoding(_ family: String, withOffsets: Bool) -> BenchmarkRow {
    let file = "\(folder)/\(family).json"
    return BenchmarkRow(
      name: "encode-\(withOffsets ? "offsets-" : "")\(family)", precision: .f32, unit: .megabytes,
      description: [
        "kind": withOffsets ? "encode-offsets" : "encode", "file": .string(file),
        "text": .string(text),
      ],
      // The text is read once.
      work: { Work(operations: 0, bytes: 1e6) },
      ours: {
        var tokenizer = try PretrainedTokenizer(file: file)
        tokenizer.truncation = nil
        tokenizer.padding = nil
        let lines = try lines()
        let size = lines.reduce(0) { $0 + $1.utf8.count }
        let seconds = Stopwatch.median {
          var count = 0
          if withOffsets {
            for line in lines {
              count += tokenizer.tokenize(line, addsSpecialTokens: false).count
            }
          } else {
            for line in lines { count += tokenizer.encode(line).count }
          }
          require(count > 0, "[bench] the text has tokens")
        }
        return Double(size) * 1e-6 / seconds
      })
  }

  /// Milliseconds until a tokenizer can be used.
  static func loading(_ family: String) -> BenchmarkRow {
    let file = "\(folder)/\(family).json"
    return BenchmarkRow(
      name: "load-\(family)", precision: .f32, unit: .milliseconds,
      description: ["kind": "load", "file": .string(file)],
      work: {
        Work(operations: 0, bytes: Double(try readFile(file, limit: 1 << 30).count))
      },
      ours: {
        1e3
          * Stopwatch.median {
            let tokenizer = try? PretrainedTokenizer(file: file)
            require(tokenizer != nil, "[bench] the file of \(family) is a tokenizer")
          }
      })
  }
}
