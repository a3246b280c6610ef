import Foundation
import Testing
import Verdant

/// Classifiers, masked models and encoder–decoders by the tool, from files to answers.
@Suite struct ObjectiveCommandTests {
  private let small = [
    "--set", "model.width=32", "--set", "model.heads=2", "--set", "model.context=32", "--set",
    "training.batch=8", "-q",
  ]

  private func table(_ folder: Folder, _ name: String, rows: Int = 200) throws -> String {
    let words = ["good", "fine", "great", "bad", "poor", "awful"]
    let lines = (0..<rows).map { row in
      "the film was \(words[row * 7 % 6]) \(row),story \(row % 3),\(row * 7 % 6 < 3 ? "yes" : "no")"
    }
    return try folder.write(
      name, "review,about,liked\n" + lines.joined(separator: "\n") + "\n")
  }

  @Test func classifyAndEvaluate() throws {
    let folder = try Folder()
    let data = try table(folder, "data.csv")
    let run = folder.file("run")
    let fields = ["--set", "data.fields={text: review, label: liked}"]
    let trained = try Program.run(
      [
        "train", "Recipes/classifier.yaml", "--out", run, "--set", "data.train=\(data)", "--set",
        "training.steps=150", "--set", "training.learning_rate=2.0e-3", "--set", "model.layers=1",
        "--set", "model.dropout=0", "--json",
      ] + fields + small)
    #expect(trained.code == 0, "\(trained.errors)")
    #expect(try JSONValue(parsing: trained.output)["accuracy"]?.doubleValue ?? 0 > 0.9)
    let named = ["--field", "text=review", "--field", "label=liked"]
    let evaluated = try Program.run(["eval", run, "--data", data] + named)
    #expect(evaluated.code == 0, "\(evaluated.errors)")
    #expect(evaluated.output.contains("accuracy") && evaluated.output.contains("records"))
    #expect(!evaluated.output.contains("bits per byte"))

    let texts = ["the film was great 7", "the film was awful 7"]
    let classified = try Program.run(["classify", run] + texts)
    let labels = classified.output.split(separator: "\n").map { $0.split(separator: "\t")[0] }
    #expect(classified.code == 0 && labels == ["yes", "no"], "\(classified.output)")
    let json = try Program.run(["classify", run, "--json", texts[1]])
    let answer = try JSONValue(parsing: json.output)
    let yes = try #require(answer["probabilities"]?["yes"]?.doubleValue)
    let no = try #require(answer["probabilities"]?["no"]?.doubleValue)
    #expect(answer["label"] == "no" && abs(yes + no - 1) < 1e-6 && no > yes)

    // One wrong argument each, and what says so.
    let unknown = try folder.write("unknown.csv", "review,liked\nx,maybe\n")
    let wrong = try Program.run(["eval", run, "--data", unknown] + named)
    #expect(wrong.code == 65 && wrong.errors.contains("maybe"), "\(wrong.errors)")
    let field = try Program.run(["eval", run, "--data", data, "--field", "label=like"])
    #expect(field.code == 65 && field.errors.contains("text"), "\(field.errors)")
    let part = try Program.run(["eval", run, "--data", data, "--field", "labels=liked"])
    #expect(part.code == 64, "\(part.errors)")
    let generated = try Program.run(["generate", run, "--prompt", "a"])
    #expect(generated.code == 78 && generated.errors.contains("classification"))
    let second = try Program.run(["classify", run, "a", "--second", "b"])
    #expect(second.code == 64, "\(second.errors)")
  }

  @Test func pairs() throws {
    let folder = try Folder()
    let data = try table(folder, "data.csv")
    let run = folder.file("run")
    let trained = try Program.run(
      [
        "train", "Recipes/classifier.yaml", "--out", run, "--set", "data.train=\(data)", "--set",
        "training.steps=4", "--set",
        "data.fields={text: review, second: about, label: liked}",
      ] + small)
    #expect(trained.code == 0, "\(trained.errors)")
    let answer = try Program.run(["classify", run, "the film", "--second", "story 1"])
    #expect(answer.code == 0 && answer.output.split(separator: "\n").count == 1)
    let together = try Program.run(["classify", run, "the film\tstory 1"])
    #expect(together.output == answer.output)
    let named = ["--field", "text=review", "--field", "label=liked"]
    let single = try Program.run(["eval", run, "--data", data] + named)
    #expect(single.code == 78 && single.errors.contains("second"), "\(single.errors)")

    // A model that can read pairs and learnt single texts reads single texts.
    let tuned = folder.file("tuned")
    let again = try Program.run(
      [
        "finetune", run, "--data", data, "--records", "labeled", "--steps", "2", "--out", tuned,
        "-q",
      ]
        + named)
    #expect(again.code == 0, "\(again.errors)")
    #expect(try Program.run(["eval", tuned, "--data", data] + named).code == 0)
    #expect(try Program.run(["classify", tuned, "the film"]).code == 0)
  }

  @Test func spansAndMasks() throws {
    let folder = try Folder()
    let text = try folder.write("text.txt", sampleText)
    for (architecture, name) in [("encoder-decoder", "spans"), ("encoder", "masks")] {
      let run = folder.file(name)
      let trained = try Program.run(
        [
          "train", "Recipes/demo-dense.yaml", "--out", run, "--set", "data.train=\(text)",
          "--set", "model.architecture=\(architecture)", "--set", "model.layers=1", "--set",
          "training.flops=null", "--set", "training.steps=4",
        ] + small)
      #expect(trained.code == 0, "\(trained.errors)")
      let evaluated = try Program.run(["eval", run, "--data", text, "--json"])
      #expect(evaluated.code == 0, "\(evaluated.errors)")
      #expect(try JSONValue(parsing: evaluated.output)["bits_per_byte"] == .null)
      let generated = try Program.run(
        ["generate", run, "--prompt", "the <extra_id_0> fox", "--tokens", "5", "--greedy"])
      #expect(generated.code == (name == "spans" ? 0 : 78), "\(generated.errors)")
      let inspected = try Program.run(["inspect", run])
      #expect(inspected.code == 0, "\(inspected.errors)")
      #expect(inspected.output.contains("crossAttention") == (name == "spans"))
    }
  }
}

/// Going on from a model by the tool.
@Suite struct FinetuneCommandTests {
  @Test func adapterAndMerge() throws {
    let folder = try Folder()
    let text = try folder.write("text.txt", sampleText)
    let base = folder.file("base")
    let trained = try Program.run(
      ["train", "Recipes/demo-dense.yaml", "--out", base, "--set", "data.train=\(text)", "-q"]
        + tiny)
    #expect(trained.code == 0, "\(trained.errors)")
    let tuned = folder.file("tuned")
    let options = ["--data", text, "--steps", "4", "--batch", "4", "-q"]
    let outcome = try Program.run(["finetune", base, "--out", tuned, "--lora", "4"] + options)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let inspected = try Program.run(["inspect", tuned])
    #expect(inspected.output.contains("lora"), "\(inspected.output)")
    let merged = folder.file("merged")
    let result = try Program.run(["merge-adapter", tuned, "--out", merged])
    #expect(result.code == 0, "\(result.errors)")
    let losses = try [tuned, merged].map { path in
      let eval = try Program.run(["eval", path, "--data", text, "--json"])
      return try #require(JSONValue(parsing: eval.output)["eval_loss"]?.doubleValue)
    }
    #expect(abs(losses[0] - losses[1]) < 1e-4)

    // Wrong ways, each by its name.
    let again = try Program.run(["merge-adapter", base, "--out", folder.file("none")])
    #expect(again.code == 78 && again.errors.contains("no adapter"), "\(again.errors)")
    let target = try Program.run(
      ["finetune", base, "--out", folder.file("x"), "--lora", "4", "--targets", "**.querry"]
        + options)
    #expect(target.code == 78 && target.errors.contains("querry"), "\(target.errors)")
    let alpha = try Program.run(
      ["finetune", base, "--out", folder.file("y"), "--alpha", "4"] + options)
    #expect(alpha.code == 64)
    let missing = try Program.run(
      ["finetune", folder.file("nowhere"), "--out", folder.file("z")] + options)
    #expect(missing.code == 66, "\(missing.errors)")
  }
}
