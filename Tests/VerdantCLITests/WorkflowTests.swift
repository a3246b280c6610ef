import Foundation
import Testing
import Verdant

/// Train, look, evaluate, generate, compare: the way of a user.
@Suite struct WorkflowTests {
  @Test func trainThenUseTheModel() throws {
    let folder = try Folder()
    let text = try folder.write("text.txt", sampleText)
    let run = folder.file("runs/first")
    let trained = try Program.run(
      ["train", "Recipes/demo-low-rank.yaml", "--out", run, "--set", "data.train=\(text)"] + tiny)
    #expect(trained.code == 0, "\(trained.errors)")
    #expect(trained.output.contains("bits per byte"))
    #expect(trained.errors.contains("step 1/6"))
    for name in ["recipe.yaml", "run.json", "metrics.jsonl", "model/config.json"] {
      #expect(FileManager.default.fileExists(atPath: run + "/" + name), "\(name)")
    }
    let losses = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
      .split(separator: "\n").map { try JSONValue(parsing: String($0)) }
      .filter { $0["event"] == "step" }.compactMap { $0["loss"]?.doubleValue }
    #expect(losses.count == 6)
    #expect(try #require(losses.last) < #require(losses.first))

    let evaluated = try Program.run(["eval", run, "--data", text, "--json"])
    #expect(evaluated.code == 0, "\(evaluated.errors)")
    let figures = try JSONValue(parsing: evaluated.output)
    let loss = try #require(figures["eval_loss"]?.doubleValue)
    let bits = try #require(figures["bits_per_byte"]?.doubleValue)
    let tokens = try #require(figures["eval_tokens"]?.doubleValue)
    #expect(abs(bits - loss * tokens / (log(2) * Double(sampleText.utf8.count))) < 1e-9)
    #expect(figures["perplexity"]?.doubleValue == exp(loss))

    let sample = ["generate", run, "--prompt", "the ", "--tokens", "20", "--seed", "3"]
    let first = try Program.run(sample)
    #expect(first.code == 0 && first.output.hasPrefix("the "), "\(first.errors)")
    #expect(try Program.run(sample).output == first.output)
    let greedy = try Program.run(
      ["generate", run, "--prompt", "the ", "--greedy", "--json", "--tokens", "60"])
    #expect(try JSONValue(parsing: greedy.output)["tokens"]?.intValue ?? 0 > 40)

    let inspected = try Program.run(["inspect", run])
    #expect(inspected.code == 0 && inspected.output.contains("low-rank 32 → 128"))
    #expect(inspected.output.contains("blocks.0"))
  }

  @Test func compareTwoRuns() throws {
    let folder = try Folder()
    let text = try folder.write("text.txt", sampleText)
    let runs = ["dense", "low-rank"].map { folder.file($0) }
    for (run, recipe) in zip(runs, ["demo-dense", "demo-low-rank"]) {
      let trained = try Program.run(
        ["train", "Recipes/\(recipe).yaml", "--out", run, "--set", "data.train=\(text)", "-q"]
          + tiny)
      #expect(trained.code == 0 && trained.errors.isEmpty, "\(trained.errors)")
    }
    let table = try Program.run(["compare"] + runs)
    #expect(table.code == 0, "\(table.errors)")
    for row in [
      "parameters", "FLOPs a token, training", "validation loss", "bits per byte", "tokens/s",
      "training time", "peak memory",
    ] { #expect(table.output.contains(row), "\(row)") }
    #expect(table.output.contains("(-"))
    let records = try JSONValue(parsing: Program.run(["compare", "--json"] + runs).output)
    let counts = records.arrayValue?.compactMap { $0["parameters"]?.intValue } ?? []
    #expect(counts.count == 2 && counts[1] < counts[0])
  }

  @Test(arguments: ["demo-dense", "demo-low-rank", "shakespeare", "gpt-small", "classifier"])
  func shippedRecipe(_ name: String) throws {
    let folder = try Folder()
    let labels = sampleText.split(separator: "\n").map { "\($0),\($0.dropLast(5).suffix(1))" }
    let text =
      name == "classifier"
      ? try folder.write("labels.csv", "text,label\n" + labels.joined(separator: "\n"))
      : try folder.write("text.txt", sampleText)
    let recipe = "Recipes/\(name).yaml"
    let source = try String(
      contentsOf: Program.root.appendingPathComponent(recipe), encoding: .utf8)
    #expect(source.contains("# Expected"))
    let trained = try Program.run(
      ["train", recipe, "--out", folder.file("run"), "--set", "data.train=\(text)", "--json"]
        + tiny)
    #expect(trained.code == 0, "\(trained.errors)")
    let result = try JSONValue(parsing: trained.output)
    #expect(try #require(result["eval_loss"]?.doubleValue) < 5.6)
  }

  /// The sizes that the comments of the recipes name.
  @Test(arguments: [
    ("demo-dense", 3_258_112), ("demo-low-rank", 2_176_768), ("shakespeare", 3_290_880),
    ("gpt-small", 10_844_544), ("classifier", 859_522),
  ])
  func recipeSize(_ name: String, _ parameters: Int) throws {
    let recipe = try RecipeFile.read(
      Program.root.appendingPathComponent("Recipes/\(name).yaml").path,
      overrides: ["data.train=text"])
    let model = try Transformer(
      recipe.modelConfig(ByteTokenizer()), random: RandomSource(seed: 0), on: ShapeBackend())
    #expect(model.parameterCount == parameters)
  }

  @Test func everyRecipeIsTested() throws {
    let names = try FileManager.default.contentsOfDirectory(
      atPath: Program.root.appendingPathComponent("Recipes").path)
    #expect(
      names.sorted() == [
        "classifier.yaml", "demo-dense.yaml", "demo-low-rank.yaml", "gpt-small.yaml",
        "shakespeare.yaml",
      ])
  }

  @Test func equalSeedsGiveEqualModels() throws {
    let folder = try Folder()
    let text = try folder.write("text.txt", sampleText)
    let hashes = try ["a", "b"].map { name in
      let run = folder.file(name)
      let trained = try Program.run(
        ["train", "Recipes/demo-dense.yaml", "--out", run, "--set", "data.train=\(text)"] + tiny)
      #expect(trained.code == 0, "\(trained.errors)")
      return try Data(contentsOf: URL(fileURLWithPath: run + "/model/model.safetensors"))
    }
    #expect(hashes[0] == hashes[1])
  }

  @Test func signalSavesTheModel() throws {
    let folder = try Folder()
    let text = try folder.write("text.txt", sampleText)
    let run = folder.file("run")
    // The program is asked to stop once its first step stands in the metrics.
    let script = """
      timeout -s KILL 100 "$0" "$@" & child=$!
      until grep -q '"event":"step"' "$RUN/metrics.jsonl" 2>/dev/null; do
        kill -0 $child || exit 1
        sleep 0.05
      done
      pkill -INT -P $child; wait $child
      """
    let outcome = try Program.run(
      "/bin/bash",
      [
        "-c", script, Program.path, "train", "Recipes/demo-dense.yaml", "--out", run, "--set",
        "data.train=\(text)",
      ] + tiny + ["--set", "training.steps=1000000"],
      environment: ["RUN": run])
    #expect(outcome.code == 130, "\(outcome.errors)")
    #expect(outcome.errors.contains("verdant train --resume \(run)"))
    #expect(try Program.run(["eval", run, "--data", text, "--json"]).code == 0)
    let record = try JSONValue(
      parsing: Array(Data(contentsOf: URL(fileURLWithPath: run + "/run.json"))))
    #expect(record["state"] == "stopped")
  }

  @Test func demoRuns() throws {
    let folder = try Folder()
    let text = try folder.write("it's text.txt", String(repeating: sampleText, count: 4))
    let outcome = try Program.run(
      "/bin/bash",
      ["scripts/demo", "--text", text, "--out", folder.file("demo"), "--flops", "2e11"],
      environment: ["VERDANT_PROGRAM": Program.path])
    #expect(outcome.code == 0, "\(outcome.errors)")
    for part in ["Comparison", "A sample from low-rank", "What to try next"] {
      #expect(outcome.output.contains(part), "\(part)")
    }
  }

  @Test func exampleTrains() throws {
    let folder = try Folder()
    let text = try folder.write("text.txt", sampleText)
    let program = Program.products.appendingPathComponent("TrainGPT").path
    let outcome = try Program.run(program, [text, "41"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let losses = outcome.output.split(separator: "\n").compactMap { line in
      line.hasPrefix("step") ? Double(line.split(separator: " ").last ?? "") : nil
    }
    #expect(losses.count == 3)
    #expect(try #require(losses.last) < #require(losses.first) - 1)
    let source = try String(
      contentsOf: Program.root.appendingPathComponent("Examples/TrainGPT/TrainGPT.swift"),
      encoding: .utf8)
    #expect(source.split(separator: "\n", omittingEmptySubsequences: false).count <= 300)
  }
}
