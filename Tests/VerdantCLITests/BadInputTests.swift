import Foundation
import Testing
import Verdant

/// Every kind of wrong use and bad input: the exit code, and an error that names the place.
@Suite struct BadInputTests {
  private func train(_ folder: Folder, _ data: String, _ settings: [String] = [])
    throws -> Program.Outcome
  {
    try Program.run(
      [
        "train", "Recipes/demo-dense.yaml", "--out", folder.file("run"), "--set",
        "data.train=\(data)",
      ] + tiny + settings.flatMap { ["--set", $0] })
  }

  /// An error leaves no run folder behind.
  private func expect(
    _ outcome: Program.Outcome, _ code: Int32, _ parts: String..., in folder: Folder,
    _ location: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.code == code, "\(outcome.errors)", sourceLocation: location)
    for part in parts {
      #expect(outcome.errors.contains(part), "\(part): \(outcome.errors)", sourceLocation: location)
    }
    #expect(
      !FileManager.default.fileExists(atPath: folder.file("run")), sourceLocation: location)
  }

  @Test func wrongUse() throws {
    for arguments in [
      ["fly"], ["train"], ["train", "a.yaml"], ["eval", "x", "--data", "y", "--batch", "0"],
      ["generate", "x", "--temperature", "nan"], ["generate", "x", "--top-p", "0"],
      ["generate", "x", "--tokens", "-1"], ["doctor", "--threads", "0"], ["inspect", "--flag"],
      ["eval", "x", "--data", "y", "--encoding", "latin"],
    ] {
      let outcome = try Program.run(arguments)
      #expect(outcome.code == 64, "\(arguments): \(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
  }

  @Test func missingFiles() throws {
    let folder = try Folder()
    expect(try train(folder, folder.file("no.txt")), 66, "no.txt", in: folder)
    let recipe = try Program.run(["train", folder.file("no.yaml"), "--out", folder.file("run")])
    expect(recipe, 66, "no.yaml", in: folder)
    for command in [["eval"], ["generate"], ["inspect"]] {
      let data = command == ["eval"] ? ["--data", "README.md"] : []
      let outcome = try Program.run(command + [folder.file("no-model")] + data)
      expect(outcome, 66, "no-model", "config.json", in: folder)
    }
    expect(try Program.run(["compare", folder.file("no-run")]), 66, "run.json", in: folder)
  }

  @Test func badText() throws {
    let folder = try Folder()
    expect(try train(folder, folder.write("a", "")), 65, "no text", in: folder)
    expect(try train(folder, folder.write("b", "ab\u{0}c")), 65, "NUL", "byte 2", in: folder)
    let latin = try folder.write("c", Array(sampleText.utf8) + [0xE9, 0x20])
    expect(
      try train(folder, latin), 65, "UTF-8", "byte \(sampleText.utf8.count)",
      "data.encoding: bytes", in: folder)
    let cut = try folder.write("d.jsonl", "{\"text\": \"one\"}\n{\"text\": \"tw")
    expect(try train(folder, cut), 65, "line 2", in: folder)
    expect(
      try train(folder, folder.write("e.jsonl", "{\"txt\": \"one\"}\n")), 65, "line 1", "'text'",
      in: folder)
    expect(
      try train(folder, folder.write("f", "too short")), 65, "tokens", "model.context", in: folder)
    let accepted = try train(folder, latin, ["data.encoding=bytes"])
    #expect(accepted.code == 0, "\(accepted.errors)")
  }

  @Test func badRecipes() throws {
    let folder = try Folder()
    let text = try folder.write("text", sampleText)
    for (settings, parts) in [
      (["model.widht=8"], ["model.widht", "did you mean 'width'?"]),
      (["training.steps=many"], ["training.steps", "whole number"]),
      (["training.steps=0"], ["training.steps", "out of range"]),
      (["training.tokens=5"], ["steps and tokens"]),
      (["training.steps=null"], ["one of steps, tokens, flops"]),
      (["model.heads=3"], ["3 heads", "32"]),
      (
        ["model.structures=[{match: 'blocks.*.feedForward.*', kind: low-rank, rank: 33}]"],
        ["rank 33", "blocks.0.feedForward.up"]
      ),
      (["model.structures=[{match: nothing, kind: low-rank}]"], ["matches no linear map"]),
      (["model.structures=[{match: '**', kind: low-rnak}]"], ["low-rnak", "low-rank"]),
      (["training.optimizer={kind: adamw, beta3: 1}"], ["beta3", "beta1"]),
      (["training.optimizer=moun"], ["moun", "did you mean 'muon'?"]),
      (["training.optimizer={kind: sgd, beta1: 0.9}"], ["sgd has no option 'beta1'"]),
      (["training.learning_rate=nan"], ["learning_rate"]),
      (["training.clip=0"], ["training.clip"]),
    ] {
      let outcome = try train(folder, text, settings)
      expect(outcome, 78, in: folder)
      for part in parts { #expect(outcome.errors.contains(part), "\(outcome.errors)") }
    }
    expect(try train(folder, text, ["nonsense"]), 64, "path=value", in: folder)
    let recipe = try folder.write("bad.yaml", "model:\n  layers: 2\n  widht: 8\n")
    let located = try Program.run(["train", recipe, "--out", folder.file("run")])
    expect(located, 78, "bad.yaml", "line 3", "did you mean 'width'?", in: folder)
    let broken = try folder.write("broken.yaml", "model: [1, 2\n")
    expect(
      try Program.run(["train", broken, "--out", folder.file("run")]), 78, "line", in: folder)
  }

  @Test func existingOutput() throws {
    let folder = try Folder()
    let text = try folder.write("text", sampleText)
    let taken = try folder.write("taken", "mine")
    let outcome = try Program.run(
      ["train", "Recipes/demo-dense.yaml", "--out", taken, "--set", "data.train=\(text)"] + tiny)
    #expect(outcome.code == 73 && outcome.errors.contains("taken"), "\(outcome.errors)")
    #expect(try String(contentsOfFile: taken, encoding: .utf8) == "mine")
  }

  @Test func damagedModel() throws {
    let folder = try Folder()
    let text = try folder.write("text", sampleText)
    #expect(try train(folder, text).code == 0)
    let model = folder.file("run/model/model.safetensors")
    let whole = try Data(contentsOf: URL(fileURLWithPath: model))
    for size in [0, 7, 8, 100, whole.count / 2, whole.count - 1] {
      try whole.prefix(size).write(to: URL(fileURLWithPath: model))
      let outcome = try Program.run(["eval", folder.file("run"), "--data", text])
      #expect(outcome.code == 65, "\(size) bytes: \(outcome.errors)")
      #expect(outcome.errors.contains("model.safetensors"))
    }
    try whole.write(to: URL(fileURLWithPath: model))
    let config = folder.file("run/model/config.json")
    let json = try String(contentsOfFile: config, encoding: .utf8)
    try json.replacingOccurrences(of: "\"n_embd\": 32", with: "\"n_embd\": 64")
      .write(toFile: config, atomically: true, encoding: .utf8)
    let misshapen = try Program.run(["eval", folder.file("run"), "--data", text])
    #expect(misshapen.code == 65 && misshapen.errors.contains("[257, 64]"), "\(misshapen.errors)")
    try json.replacingOccurrences(of: "\"gpt2\"", with: "\"mamba\"")
      .write(toFile: config, atomically: true, encoding: .utf8)
    let unknown = try Program.run(["inspect", folder.file("run")])
    #expect(unknown.code == 78 && unknown.errors.contains("mamba"), "\(unknown.errors)")
  }

  @Test func hostileRecords() throws {
    let folder = try Folder()
    let run = try Folder()
    _ = try run.write(
      "run.json",
      #"{"parameters":1e300,"training_flops_per_token":1e300,"result":{"tokens":1e200}}"#)
    let table = try Program.run(["compare", run.url.path])
    #expect(table.code == 0 && table.output.contains("–"), "\(table.errors)")
    #expect(try Program.run(["compare", run.url.path, "--json"]).code == 0)
    _ = try run.write("run.json", "[1]")
    expect(try Program.run(["compare", run.url.path]), 78, "run.json", in: folder)
  }

  @Test func references() throws {
    let folder = try Folder()
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1..<12 {
      let list = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(list)]\n"
    }
    let recipe = try folder.write("bomb.yaml", text + "? *a11\n: 1\n")
    let outcome = try Program.run(["train", recipe, "--out", folder.file("run")])
    expect(outcome, 78, "line 1", "anchors", in: folder)
    let quoted = try folder.write("quoted.yaml", "data: {train: ['&x *y']}  # &no *alias\n")
    let accepted = try Program.run(["train", quoted, "--out", folder.file("run")])
    expect(accepted, 78, "steps, tokens, flops", in: folder)
  }

  @Test func fileSizeLimit() throws {
    let folder = try Folder()
    let text = try folder.write("text", sampleText)
    let outcome = try Program.run(
      "/bin/bash",
      [
        "-c", "ulimit -f 1; exec \"$0\" \"$@\"", Program.path, "train",
        "Recipes/demo-dense.yaml", "--out", folder.file("limited"), "--set",
        "data.train=\(text)",
      ] + tiny)
    #expect(outcome.code == 74, "\(outcome.errors)")
  }

  @Test func oneOptionOfTheOptimizer() throws {
    let folder = try Folder()
    let text = try folder.write("text", sampleText)
    let outcome = try train(folder, text, ["training.optimizer.beta1=0.8"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let recipe = try RecipeFile.read(folder.file("run/recipe.yaml"))
    #expect(recipe.training.optimizer.options["beta1"] == 0.8)
    #expect(recipe.training.optimizer.options["beta2"] == 0.95)
  }

  @Test func errorsOfUseAsJSON() throws {
    let outcome = try Program.run(["train", "--json-errors"])
    #expect(outcome.code == 64)
    #expect(try JSONValue(parsing: outcome.errors)["code"] == 64)
  }

  @Test func fullOutput() throws {
    let full = try FileHandle(forWritingTo: URL(fileURLWithPath: "/dev/full"))
    let outcome = try Program.run(["doctor", "--fast"], output: full)
    #expect(outcome.code == 74, "\(outcome.errors)")
  }

  @Test func divergence() throws {
    let folder = try Folder()
    let text = try folder.write("text", sampleText)
    // Decay of 10 at a rate of 1000 multiplies the weights by -9999 a step.
    let outcome = try train(
      folder, text,
      [
        "training.learning_rate=1000", "training.optimizer={kind: adamw, weight_decay: 10}",
        "training.steps=60", "training.schedule={warmup_steps: 0}",
      ])
    #expect(outcome.code == 77, "\(outcome.errors)")
    #expect(outcome.errors.contains("learning_rate"))
    #expect(!FileManager.default.fileExists(atPath: folder.file("run/model")))
    let record = try JSONValue(
      parsing: Array(Data(contentsOf: URL(fileURLWithPath: folder.file("run/run.json")))))
    #expect(record["state"] == "failed")
  }
}
