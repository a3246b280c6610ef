import Foundation
import Testing
import Verdant

/// Help, versions, the environment, and the commands of the README.
@Suite struct SurfaceTests {
  @Test(arguments: [
    "train", "finetune", "merge-adapter", "eval", "generate", "classify", "inspect", "compare",
    "doctor", "tokenizer",
    "export", "convert", "embed",
  ])
  func help(_ command: String) throws {
    let outcome = try Program.run([command, "--help"])
    #expect(outcome.code == 0 && outcome.output.contains("USAGE: verdant \(command)"))
    #expect(try Program.run(["--help"]).output.contains(command))
  }

  @Test func recipeIsDocumented() throws {
    let printed = try Program.run(["recipe"])
    #expect(printed.code == 0)
    // What is printed reads as the defaults, and the guide shows it.
    let defaults = try RecipeFile.parse(
      printed.output, overrides: ["data.train=x", "training.steps=1"])
    var expected = Recipe()
    expected.data.train = ["x"]
    expected.training.steps = 1
    #expect(defaults == expected)
    let guide = try String(
      contentsOf: Program.root.appendingPathComponent("docs/writing-a-recipe.md"),
      encoding: .utf8)
    #expect(guide.contains(printed.output))
  }

  @Test func version() throws {
    #expect(try Program.run(["--version"]).output == RunFolder.version + "\n")
  }

  @Test func doctorNamesTheMachine() throws {
    let report = try JSONValue(parsing: Program.run(["doctor", "--fast", "--json"]).output)
    #expect(report["cores"]?.intValue == Compute.coreCount)
    #expect(report["instruction_sets"]?.arrayValue?.count == Compute.instructionSets.count)
    let one = try JSONValue(
      parsing: Program.run(["doctor", "--fast", "--json", "--threads", "1"]).output)
    #expect(one["threads"] == 1)
  }

  @Test(arguments: Compute.instructionSets)
  func environmentChoosesInstructions(_ name: String) throws {
    let outcome = try Program.run(
      ["doctor", "--fast", "--json"], environment: ["VERDANT_ISA": name])
    #expect(try JSONValue(parsing: outcome.output)["instruction_set"] == .string(name))
  }

  @Test func environmentIsChecked() throws {
    let outcome = try Program.run(["doctor", "--fast"], environment: ["VERDANT_ISA": "mmx"])
    #expect(outcome.code == 64 && outcome.errors.contains("VERDANT_ISA"))
    let builtin = try Program.run(
      ["doctor", "--fast", "--json"], environment: ["VERDANT_GEMM": "builtin"])
    #expect(try JSONValue(parsing: builtin.output)["products"] == "built-in")
  }

  @Test func errorsAsJSON() throws {
    let outcome = try Program.run(["inspect", "no-such-model", "--json-errors"])
    #expect(outcome.code == 66)
    #expect(try JSONValue(parsing: outcome.errors)["code"] == 66)
  }

  /// Runs every command line of the README, on a small text and with few steps.
  @Test func readmeCommands() throws {
    let folder = try Folder()
    _ = try folder.write("my.txt", sampleText)
    _ = try folder.write("other.txt", sampleText)
    try FileManager.default.createDirectory(
      at: folder.url.appendingPathComponent("texts"), withIntermediateDirectories: false)
    _ = try folder.write("texts/my.txt", sampleText)
    _ = try folder.write("valid.jsonl", "{\"text\": \"the quick brown fox\"}\n")
    let labels = sampleText.split(separator: "\n").map { "\($0),\($0.dropLast(5).suffix(1))" }
    _ = try folder.write(
      "labeled.csv", "text,label\n" + labels.joined(separator: "\n") + "\n")
    for name in ["Recipes"] {
      try FileManager.default.createSymbolicLink(
        at: folder.url.appendingPathComponent(name),
        withDestinationURL: Program.root.appendingPathComponent(name))
    }
    let readme = try String(
      contentsOf: Program.root.appendingPathComponent("README.md"), encoding: .utf8)
    var commands: [[String]] = []
    var isCode = false
    for line in readme.split(separator: "\n") {
      if line.hasPrefix("```") { isCode.toggle() }
      guard isCode else { continue }
      let words = line.prefix { $0 != "#" }.split(separator: " ").map {
        $0.trimmingCharacters(in: ["\""])
      }
      guard let first = words.first, first == "verdant" || first.hasSuffix("/verdant") else {
        continue
      }
      commands.append(Array(words.dropFirst()))
    }
    #expect(commands.count >= 6)
    for command in commands {
      var arguments = command
      if command.first == "train" { arguments += tiny }
      if command.first == "finetune" { arguments += ["--steps", "3", "--batch", "4"] }
      if command.first == "doctor" { arguments.append("--fast") }
      if command.contains("runs/second") {
        _ = try Program.run(
          [
            "train", "Recipes/demo-dense.yaml", "--out", "runs/second", "--set",
            "data.train=my.txt",
          ] + tiny, in: folder.url)
      }
      let outcome = try Program.run(arguments, in: folder.url)
      #expect(outcome.code == 0, "\(command): \(outcome.errors)")
    }
  }
}
