import Foundation
import Testing
import Verdant

/// Calls a closure with the path of a fresh folder, which is removed afterwards.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let url = FileManager.default.temporaryDirectory
    .appendingPathComponent("verdant-models-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}

func read(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: path)))
}

func put(_ bytes: some Sequence<UInt8>, _ path: String) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}

/// A model for bytes, of width 8 with one block.
func byteModel(context: Int = 8, vocabulary: Int = 257, seed: UInt64 = 3) throws -> Transformer {
  let config = ModelConfig(
    blocks: 1, width: 8, heads: 2, maximumLength: context, vocabulary: vocabulary)
  var model = try Transformer(config, random: RandomSource(seed: seed))
  // Larger vectors than those that training begins with, so that the choices differ.
  model.updateParameters { name, parameter in
    if name.hasPrefix("embedding") { parameter.value = parameter.value * 40 }
  }
  return model
}

extension Transformer {
  /// The logits after the last of some tokens.
  func lastLogits(_ ids: [Int32]) -> [Float] {
    var context = Context(.inference)
    let logits = self(Tensor(integers: ids, [1, ids.count]), &context).floats
    return Array(logits.suffix(config.vocabulary))
  }
}

/// Expects an error with a report, as every error from input is.
func expectReport(
  _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  do {
    try body()
    Issue.record("nothing thrown: \(what)", sourceLocation: sourceLocation)
  } catch {
    #expect(error is any ReportedError, "\(what): \(error)", sourceLocation: sourceLocation)
  }
}
