import Foundation
import Testing
import Verdant

@Suite struct RunFolderTests {
  /// Trains into a folder and gives its path.
  private func withRun(
    _ change: (inout Recipe) -> Void = { _ in },
    _ body: (String, Trainer) throws -> Void
  ) throws {
    try withText { path in
      var trainer = try Trainer(smallRecipe(path, change))
      let out = path + "-runs/deep/run"
      let folder = try RunFolder(out, trainer)
      let result = try trainer.run { event in
        try folder.record(event)
        return .proceed
      } save: { snapshot in
        try folder.save(snapshot)
      }
      try folder.finish(trainer.model, result)
      try body(out, trainer)
    }
  }

  private func json(_ path: String) throws -> JSONValue {
    try JSONValue(parsing: read(path), file: path)
  }

  @Test func filesOfARun() throws {
    try withRun { recipe in
      recipe.evaluation.every = 4
      recipe.checkpoint.every = 5
    } _: { path, trainer in
      let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
      #expect(
        names == [
          "checkpoints", "latest", "lock", "metrics.jsonl", "model", "recipe.yaml", "run.json",
        ])
      #expect(try text(path + "/latest") == "checkpoints/step-000000008\n")
      #expect(try RecipeFile.read(path + "/recipe.yaml") == trainer.recipe)

      let run = try json(path + "/run.json")
      #expect(run["state"] == "finished" && run["name"] == "run")
      #expect(run["result"]?["steps"] == 8)
      #expect(run["data"]?["documents"] == 1)
      #expect(run["parameters"] == .integer(trainer.model.parameterCount))
      for key in [
        "schema", "version", "created", "seed", "machine", "flops_convention",
        "training_flops_per_token",
      ] { #expect(run[key] != nil, "\(key)") }
      for key in ["eval_loss", "bits_per_byte", "tokens_per_s", "training_seconds", "loss"] {
        #expect(run["result"]?[key]?.doubleValue != nil, "\(key)")
      }

      let loaded = try ModelFolder(path + "/model")
      var context = Context(.inference)
      let ids = Tensor(integers: [1, 2, 3, 4], [1, 4])
      #expect(loaded.model(ids, &context).floats == trainer.model(ids, &context).floats)
      #expect(loaded.history.count == 1)
      #expect(loaded.history[0]["steps"] == 8)
      #expect(try ModelFolder(path + "/checkpoints/step-000000005").history[0]["steps"] == 5)
    }
  }

  @Test func metricsAreLinesOfJSON() throws {
    try withRun { recipe in
      recipe.evaluation.every = 4
      recipe.checkpoint.every = 5
    } _: { path, _ in
      let lines = try text(path + "/metrics.jsonl").split(separator: "\n").map {
        try JSONValue(parsing: String($0))
      }
      #expect(
        lines.compactMap { $0["event"]?.stringValue }
          == ["start"] + Array(repeating: "step", count: 4) + ["eval", "step", "checkpoint"]
          + Array(repeating: "step", count: 3) + ["checkpoint", "eval", "end"]
      )
      let time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/
      for line in lines {
        #expect(try time.wholeMatch(in: line["time"]?.stringValue ?? "") != nil)
        // Flat but for the configuration and the machine of the first line.
        for (key, value) in try #require(line.objectValue)
        where !["config", "machine"].contains(key) {
          #expect(value.objectValue == nil && value.arrayValue == nil)
        }
      }
      let start = lines[0]
      for key in ["schema", "version", "seed", "machine", "config", "parameters", "steps"] {
        #expect(start[key] != nil, "\(key)")
      }
      let step = try #require(lines.last { $0["event"] == "step" })
      for key in [
        "step", "loss", "grad_norm", "learning_rate", "tokens", "epoch", "tokens_per_s",
        "elapsed_s", "rss_bytes",
      ] { #expect(step[key]?.doubleValue != nil, "\(key)") }
      let evaluation = try #require(lines.last { $0["event"] == "eval" })
      #expect(evaluation["split"] == "validation")
      for key in ["step", "eval_loss", "perplexity", "bits_per_byte"] {
        #expect(evaluation[key]?.doubleValue != nil, "\(key)")
      }
      #expect(lines.last?["event"] == "end" && lines.last?["tokens"] == .integer(8 * 64))
    }
  }

  @Test func anExistingOutputIsKept() throws {
    try withText { path in
      let trainer = try Trainer(smallRecipe(path))
      let out = path + "-out"
      try makeFolder(out)
      try put("mine".utf8, out + "/file")
      for taken in [out, path, out + "/", "/"] {
        let error = #expect(throws: ConfigError.self, "\(taken)") { try RunFolder(taken, trainer) }
        #expect(error?.kind == .outputExists && error?.exitCode == .cannotCreate)
        #expect(throws: ConfigError.self) { try RunFolder.checkFree(taken) }
      }
      try FileManager.default.createSymbolicLink(
        atPath: out + "-link",
        withDestinationPath: "/nonexistent"
      )
      #expect(throws: ConfigError.self) { try RunFolder(out + "-link", trainer) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: out) == ["file"])
    }
  }

  @Test func outputsThatCannotBeMade() throws {
    try withText { path in
      let trainer = try Trainer(smallRecipe(path))
      for out in ["", path + "/run", "/proc/none/run", "a\u{0}b"] {
        let error = #expect(throws: ConfigError.self, "\(out)") { try RunFolder(out, trainer) }
        #expect(error?.exitCode == .cannotCreate)
      }
    }
  }

  @Test func aFailureIsRecorded() throws {
    try withText { path in
      let trainer = try Trainer(smallRecipe(path))
      let folder = try RunFolder(path + "-run", trainer)
      #expect(try json(folder.path + "/run.json")["state"] == "running")
      try folder.fail(DataError(.changed, "the data changed"))
      let run = try json(folder.path + "/run.json")
      #expect(run["state"] == "failed")
      #expect(run["result"]?["error"] == "the data changed")
    }
  }

  @Test func numbersThatAreNotFiniteAreNull() throws {
    let model = try Transformer(
      ModelConfig(blocks: 1, width: 8, heads: 2, maximumLength: 8),
      random: RandomSource(seed: 1)
    )
    let separators = TokenStream([[], [], []], ByteTokenizer())
    let record = try Evaluation(model, separators, batch: 1)
    #expect(record.bitsPerByte.isNaN)
    #expect(record.json["bits_per_byte"] == .null && record.json["eval_tokens"] == 2)
    #expect(throws: Never.self) { try JSONValue.object(record.json).serialized() }
  }
}
