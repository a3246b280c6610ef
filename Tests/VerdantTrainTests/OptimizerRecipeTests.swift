import Testing
import Verdant

private func parse(_ overrides: [String]) throws -> Recipe {
  try RecipeFile.parse(
    "data: {train: a.txt}\ntraining: {steps: 5}\n", file: "r.yaml", overrides: overrides)
}

@Suite struct OptimizerRecipeTests {
  @Test func everyOptimizerIsReadAndWrittenWithAllOptions() throws {
    for type in Catalog.optimizers {
      for text in [type.kind, "{kind: \(type.kind)}"] {
        let recipe = try parse(["training.optimizer=\(text)"])
        let spec = recipe.training.optimizer
        #expect(spec.kind == type.kind && spec == defaults(type))
        #expect(!spec.options.isEmpty)
        #expect(try RecipeFile.parse(RecipeFile.text(recipe)) == recipe)
      }
    }
  }

  @Test func optionsReachTheOptimizer() throws {
    let recipe = try parse([
      "training.optimizer={kind: muon, momentum: 0.9, nesterov: false, iterations: 3, "
        + "scale: original, weight_decay: 0, adamw_rate: 0.1, beta1: 0.8, beta2: 0.9, epsilon: 1e-6}"
    ])
    let optimizer = try Catalog.optimizer(recipe.training.optimizer, at: PartPath("o"))
    var expected = Muon.Options()
    expected.momentum = 0.9
    expected.nesterov = false
    expected.iterations = 3
    expected.scale = .original
    expected.weightDecay = 0
    expected.adamWRate = 0.1
    expected.beta1 = 0.8
    expected.beta2 = 0.9
    expected.epsilon = 1e-6
    #expect((optimizer as? Muon)?.options == expected)
    #expect(optimizer.state.steps == 0 && optimizer.state.entries.isEmpty)
  }

  @Test(arguments: [
    ("moun", "training.optimizer.kind", "did you mean 'muon'?"),
    ("SGD", "training.optimizer.kind", "did you mean 'sgd'?"),
    ("{kind: lamp}", "training.optimizer.kind", "did you mean 'lamb'?"),
    ("{kind: sgd, momentun: 0.5}", "training.optimizer.momentun", "did you mean 'momentum'?"),
    ("{kind: muon, scale: orignal}", "training.optimizer.scale", "did you mean 'original'?"),
    (
      "{kind: sgd, beta1: 0.5}", "training.optimizer.beta1",
      "'beta1' is an option of adamw, muon, lamb"
    ),
    (
      "{kind: adamw, nesterov: true}", "training.optimizer.nesterov",
      "'nesterov' is an option of sgd, muon"
    ),
    (
      "{kind: muon, largest_ratio: 1}", "training.optimizer.largest_ratio",
      "'largest_ratio' is an option of lamb"
    ),
  ])
  func unknownNames(_ text: String, _ place: String, _ advice: String) {
    let error = #expect(throws: ConfigError.self) { try parse(["training.optimizer=\(text)"]) }
    #expect(error?.report.file == "r.yaml")
    #expect(error?.report.place == place)
    #expect(error?.report.advice == advice, "\(error?.description ?? "")")
    #expect(error?.exitCode == .inconsistentConfiguration)
  }

  @Test func unknownOptimizersNameAllThatExist() {
    let error = #expect(throws: ConfigError.self) { try parse(["training.optimizer=zzz"]) }
    #expect(error?.report.rule == "one of adamw, sgd, muon, lamb")
    #expect(throws: ConfigError.self) { try Catalog.optimizer(Spec("zzz"), at: PartPath("o")) }
    #expect(throws: ConfigError.self) {
      try Catalog.optimizer(Spec("sgd", AdamW.Options()), at: PartPath("o"))
    }
  }

  @Test(arguments: [
    "{kind: sgd, momentum: 1}", "{kind: sgd, momentum: -0.1}", "{kind: sgd, nesterov: 1}",
    "{kind: sgd, weight_decay: 11}", "{kind: sgd, decoupled: maybe}", "{kind: muon, iterations: 0}",
    "{kind: muon, iterations: 2.5}", "{kind: muon, scale: 1}", "{kind: muon, adamw_rate: -1}",
    "{kind: lamb, largest_ratio: 0}", "{kind: lamb, epsilon: 0}", "{kind: lamb, beta1: .nan}",
  ])
  func valuesOutOfRange(_ text: String) {
    let error = #expect(throws: ConfigError.self) { try parse(["training.optimizer=\(text)"]) }
    #expect(error?.problems.count == 1)
    #expect(error?.report.rule?.isEmpty == false)
  }

  @Test func everyProblemIsReported() {
    let error = #expect(throws: ConfigError.self) {
      try parse(["training.optimizer={kind: sgd, beta1: 0.5, momentum: 2, xyz: 1}"])
    }
    #expect(error?.problems.count == 3)
  }

  private func defaults<O: Optimizer>(_ type: O.Type) -> Spec { Spec(O.kind, O.Options()) }
}
