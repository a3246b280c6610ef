import Foundation
import Testing
import Verdant

@Suite struct ExportCommandTests {
  private func model(_ settings: [String] = []) throws -> Folder {
    let folder = try Folder()
    let text = try folder.write("my.txt", sampleText)
    let outcome = try Program.run(
      [
        "train", "Recipes/gpt-small.yaml", "--quiet", "--out", folder.file("run"), "--set",
        "data.train=\(text)",
      ] + tiny + ["--set", "training.steps=1"] + settings.flatMap { ["--set", $0] })
    #expect(outcome.code == 0, "\(outcome.errors)")
    return folder
  }

  @Test func everyFormat() throws {
    let folder = try model()
    let run = folder.file("run")
    for (format, type) in [
      ("gguf", "f32"), ("gguf", "q4_0"), ("onnx", "f32"), ("safetensors", "f16"),
    ] {
      let out = folder.file("m.\(type).\(format)")
      let command = ["export", run, "--format", format, "--type", type, "--out", out]
      let outcome = try Program.run(command + ["--json"])
      #expect(outcome.code == 0, "\(outcome.errors)")
      let report = try JSONValue(parsing: outcome.output)
      let size = try FileManager.default.attributesOfItem(atPath: out)[.size] as? Int
      #expect(report["bytes"]?.intValue == size && report["format"]?.stringValue == format)
      // A second time it is there already.
      #expect(try Program.run(command).code == 73)
      #expect(try Program.run(command + ["--overwrite"]).code == 0)
    }
  }

  @Test func exampleHoldsInputsAndLogits() throws {
    let folder = try model()
    let (out, example) = (folder.file("m.onnx"), folder.file("e.safetensors"))
    let outcome = try Program.run([
      "export", folder.file("run"), "--format", "onnx", "--out", out, "--example", example,
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let file = try SafetensorsFile(example)
    #expect(file.entries.map(\.name).sorted() == ["input_ids", "logits"])
    #expect(file.header["logits"]?.shape == [2, 32, 257])
    let loaded = try ModelFolder(folder.file("run/model")).model
    var context = Context(.inference)
    let ids = try file.tensor(named: "input_ids")
    #expect(try file.tensor(named: "logits").floats == loaded(ids, &context).floats)
  }

  @Test func wrongUse() throws {
    let folder = try model(["model.norm=rms-norm"])
    let run = folder.file("run")
    let out = folder.file("m")
    func code(_ arguments: [String]) throws -> (Int32, String) {
      let outcome = try Program.run(["export"] + arguments)
      #expect(!FileManager.default.fileExists(atPath: out))
      return (outcome.code, outcome.errors)
    }
    #expect(try code([run, "--out", out]).0 == 64)
    #expect(try code([run, "--format", "gguf"]).0 == 64)
    #expect(try code([run, "--format", "pickle", "--out", out]).0 == 64)
    #expect(try code([run, "--format", "onnx", "--type", "q8_0", "--out", out]).0 == 64)
    #expect(
      try code([run, "--format", "onnx", "--out", out, "--example", out]).0 == 64)
    #expect(try code(["none", "--format", "onnx", "--out", out]).0 == 66)
    #expect(try code([run, "--format", "onnx", "--out", folder.file("no/such/m")]).0 == 73)
    let (inside, _) = try code([
      run, "--format", "safetensors", "--overwrite", "--out", run + "/model/model.safetensors",
    ])
    #expect(inside == 64)
    let (wrong, errors) = try code([run, "--format", "gguf", "--out", out])
    #expect(wrong == 78 && errors.contains("norm.kind") && errors.contains("ONNX"))
  }
}
