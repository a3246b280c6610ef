import Foundation
import Testing
import Verdant

/// Calls a closure with the path of a fresh folder, which is removed afterwards.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let url = FileManager.default.temporaryDirectory
    .appendingPathComponent("verdant-train-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}

func put(_ bytes: some Sequence<UInt8>, _ path: String) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}

func read(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: path)))
}

func text(_ path: String) throws -> String { String(decoding: try read(path), as: UTF8.self) }

func makeFolder(_ path: String) throws {
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
}

/// Expects an error with a report, as every error from input is.
func expectReport(
  _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) {
  do {
    try body()
    Issue.record("nothing thrown: \(what)", sourceLocation: sourceLocation)
  } catch {
    #expect(error is any ReportedError, "\(what): \(error)", sourceLocation: sourceLocation)
  }
}

/// A text that can be learnt: lines of a few words.
let sampleText: String = {
  let words = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "again"]
  let source = RandomSource(seed: 99)
  return (0..<400).map { line in
    (0..<6).map { words[Int(source.uniform(at: UInt64(line * 8 + $0)) * 10)] }
      .joined(separator: " ")
  }.joined(separator: "\n") + "\n"
}()

/// A recipe of a small model for a text.
func smallRecipe(_ path: String, _ change: (inout Recipe) -> Void = { _ in }) -> Recipe {
  var recipe = Recipe()
  recipe.model.layers = 2
  recipe.model.width = 16
  recipe.model.heads = 2
  recipe.model.context = 16
  recipe.data.train = [path]
  recipe.training.batch = 4
  recipe.training.steps = 8
  recipe.training.learningRate = 3e-3
  change(&recipe)
  return recipe
}

/// Calls a closure with the path of a file that holds a text.
func withText<Result>(_ text: String = sampleText, _ body: (String) throws -> Result) throws
  -> Result
{
  try withTemporaryFolder { folder in
    try put(text.utf8, folder + "/text.txt")
    return try body(folder + "/text.txt")
  }
}
