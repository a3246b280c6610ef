import Foundation
import Testing
import Verdant

@Suite struct SentenceEncoderTests {
  private static let tokenizer = """
    {"version": "1.0", "added_tokens": [], "truncation": {"max_length": 3, "direction": "Right",
     "strategy": "LongestFirst", "stride": 0}, "padding": {"strategy": {"Fixed": 9}, "pad_id": 0},
     "pre_tokenizer": {"type": "Whitespace"}, "model": {"type": "WordLevel",
     "vocab": {"[UNK]": 0, "a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, "unk_token": "[UNK]"}}
    """

  /// Calls a closure with a base model that has these small files.
  private func withModel(_ files: [String: String], _ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/model"
      try FileManager.default.copyItem(atPath: GoldenFamily.folder + "/bert-base", toPath: path)
      try FileManager.default.createDirectory(
        atPath: path + "/1_Pooling", withIntermediateDirectories: false)
      try put(Array(Self.tokenizer.utf8), path + "/tokenizer.json")
      for (name, text) in files { try put(Array(text.utf8), "\(path)/\(name)") }
      try body(path)
    }
  }

  private let modules = """
    [{"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
     {"idx": 0, "path": "", "type": "a.b.Transformer"}]
    """

  /// The vectors of tokens of one text.
  private func hidden(_ path: String, _ ids: [Int32]) throws -> [[Float]] {
    let (model, _) = try ModelFolder.model(path)
    var context = Context(.inference)
    let numbers = model.hidden(Tensor(integers: ids, [1, ids.count]), &context).floats
    return ids.indices.map { Array(numbers[$0 * 24..<($0 + 1) * 24]) }
  }

  private func difference(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
  }

  @Test func poolingIsThatOfTheFiles() throws {
    let texts = ["a b c d", " c\u{1F}\n", "e d", "b"]
    let ids: [[Int32]] = [[1, 2, 3, 4], [3], [5, 4], [2]]
    for (config, width) in [
      (#"{"pooling_mode_mean_tokens": true}"#, 24), ("{}", 24),
      (#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#, 24),
      (#"{"pooling_mode": "max"}"#, 24), (#"{"pooling_mode": "lasttoken"}"#, 24),
      (#"{"pooling_mode_cls_token": true, "pooling_mode_max_tokens": true}"#, 72),
    ] {
      try withModel(["modules.json": modules, "1_Pooling/config.json": config]) { path in
        let encoder = try SentenceEncoder(path)
        #expect(encoder.width == width && !encoder.normalizes)
        let found = encoder.embed(texts, batch: 3)
        for (row, ids) in zip(found, ids) {
          let tokens = try hidden(path, ids)
          func reduce(_ body: ([Float]) -> Float) -> [Float] {
            (0..<24).map { column in body(tokens.map { $0[column] }) }
          }
          let mean = reduce { $0.reduce(0, +) / Float($0.count) }
          let most = reduce { $0.max() ?? 0 }
          let expected: [Float] =
            switch config {
            case let text where width == 72: text.isEmpty ? [] : tokens[0] + most + mean
            case let text where text.contains("cls"): tokens[0]
            case let text where text.contains("lasttoken"): tokens[tokens.count - 1]
            case let text where text.contains("max"): most
            default: mean
            }
          #expect(difference(row, expected) < 2e-6, "\(config)")
        }
      }
    }
  }

  @Test func textsAreCutAndVectorsDividedByTheirLength() throws {
    let files = [
      "sentence_bert_config.json": #"{"max_seq_length": 2, "do_lower_case": true}"#,
      "modules.json": #"[{"type": "Transformer"}, {"type": "x.normalize"}]"#,
    ]
    try withModel(files) { path in
      let encoder = try SentenceEncoder(path)
      let found = encoder.embed(["A b c", "a B", "b a"])
      #expect(found[0] == found[1] && found[0] != found[2])
      for vector in found {
        #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
      }
      #expect(encoder.embed([]).isEmpty && encoder.embed([""])[0].allSatisfy(\.isFinite))
    }
  }

  @Test func modulesThatAreNotKnownAreRefused() throws {
    for files in [
      ["modules.json": "{}"], ["modules.json": #"[{"type": "a.Dense", "path": "2_Dense"}]"#],
      ["modules.json": #"[{"type": "Pooling", "path": "../x"}]"#], ["modules.json": "["],
      ["modules.json": modules, "1_Pooling/config.json": #"{"pooling_mode": "weightedmean"}"#],
      ["modules.json": modules, "1_Pooling/config.json": #"{"pooling_mode_mean_tokens": false}"#],
      ["modules.json": modules], ["sentence_bert_config.json": #"{"max_seq_length": -1}"#],
    ] {
      try withModel(files) { path in
        expectReport("\(files)") { _ = try SentenceEncoder(path) }
      }
    }
    try withTemporaryFolder { folder in
      let path = folder + "/model"
      try FileManager.default.copyItem(atPath: GoldenFamily.folder + "/t5", toPath: path)
      try put(Array(Self.tokenizer.utf8), path + "/tokenizer.json")
      expectReport { _ = try SentenceEncoder(path) }
    }
  }

  /// all-MiniLM-L6-v2 beside sentence-transformers, where a folder has both: `model`, `sentences.txt`
  /// and `vectors.safetensors` with a tensor `vectors`.
  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["VERDANT_SENTENCES"] != nil,
      "VERDANT_SENTENCES names no folder"))
  func vectorsEqualSentenceTransformers() throws {
    let folder = try #require(ProcessInfo.processInfo.environment["VERDANT_SENTENCES"])
    let encoder = try SentenceEncoder(folder + "/model")
    let text = String(decoding: try read(folder + "/sentences.txt"), as: UTF8.self)
    let sentences = text.split(separator: "\n").map(String.init)
    let expected = try SafetensorsFile(folder + "/vectors.safetensors").tensor(named: "vectors")
    let numbers = expected.floats
    for (index, vector) in encoder.embed(sentences).enumerated() {
      let other = numbers[index * encoder.width..<(index + 1) * encoder.width]
      let product = zip(vector, other).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      #expect(product >= 0.99999, "\(sentences[index])")
    }
  }
}
