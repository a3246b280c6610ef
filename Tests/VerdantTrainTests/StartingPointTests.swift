import Foundation
import Testing
import Verdant

/// Runs that go on from a model.
@Suite struct StartingPointTests {
  private func run(_ recipe: Recipe, _ out: String) throws -> Trainer {
    var trainer = try Trainer(recipe)
    let folder = try RunFolder(out, trainer)
    let result = try trainer.run { _ in .proceed }
    try folder.finish(trainer.model, result)
    return trainer
  }

  private func labeled(_ folder: String) throws -> String {
    let rows = sampleText.split(separator: "\n").map { "\($0),\($0.hasPrefix("the") ? "a" : "b")" }
    try put(("text,label\n" + rows.joined(separator: "\n")).utf8, folder + "/labels.csv")
    return folder + "/labels.csv"
  }

  @Test func fromAMaskedModelToAClassifier() throws {
    try withTemporaryFolder { folder in
      try put(sampleText.utf8, folder + "/text.txt")
      let masked = smallRecipe(folder + "/text.txt") {
        $0.model.architecture = .encoder
        $0.model.context = 48
      }
      let base = try run(masked, folder + "/base")
      var recipe = smallRecipe(try labeled(folder)) {
        $0.model.from = folder + "/base"
        $0.model.context = 40
        $0.data.records = .labeled
        $0.training.steps = 1
        $0.training.learningRate = 0
      }
      let tuned = try run(recipe, folder + "/tuned")
      #expect(tuned.model.config.objective == .classification)
      #expect(tuned.model.config.maximumLength == 48)
      let before = Dictionary(
        uniqueKeysWithValues: base.model.parameters.map { ($0.name, $0.parameter.value.floats) })
      for (name, parameter) in tuned.model.parameters where !name.hasPrefix("classifier.") {
        #expect(parameter.value.floats == before[name], "\(name)")
      }
      // Corrections and the head alone are trained; the rest stays as it was.
      recipe.training.learningRate = 1e-2
      recipe.training.steps = 5
      recipe.model.structures = [
        StructureRule(match: "blocks.*.mixer.*", Spec(LoRA.kind, LoRA.Options(rank: 2)))
      ]
      recipe.training.trainable = ["**.lora*", "classifier.*"]
      let adapted = try run(recipe, folder + "/adapted")
      for (name, parameter) in adapted.model.parameters {
        let isNew = name.hasPrefix("classifier.") || name.contains(".lora")
        #expect(isNew || parameter.value.floats == before[name], "\(name)")
      }
      let read = try ModelFolder(folder + "/adapted/model")
      let merged = try read.model.mergingAdapters()
      #expect(merged.parameters.count == tuned.model.parameters.count)
      recipe.model.context = 49
      let longer = #expect(throws: ConfigError.self) { try Trainer(recipe) }
      #expect(longer?.report.place == "model.context")
    }
  }

  @Test func goingOnWithTheSameObjective() throws {
    try withText { path in
      let folder = (path as NSString).deletingLastPathComponent
      let first = try run(smallRecipe(path), folder + "/first")
      let recipe = smallRecipe(path) {
        $0.model.from = folder + "/first/model"
        $0.training.learningRate = 0
        $0.training.steps = 1
      }
      #expect(try run(recipe, folder + "/second").model.bits == first.model.bits)
      var other = recipe
      other.objective.kind = .spanCorruption
      #expect(throws: ConfigError.self) { try Trainer(other) }
      other = recipe
      other.model.from = folder + "/nowhere"
      #expect(throws: CheckpointError.self) { try Trainer(other) }
      other = recipe
      other.training.trainable = ["none.of.them"]
      #expect(throws: ConfigError.self) { try Trainer(other) }
    }
  }
}
