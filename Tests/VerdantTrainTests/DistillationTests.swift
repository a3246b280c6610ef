import Foundation
import Testing
import Verdant
import VerdantTestKit

@testable import VerdantTrain

/// A student that learns from a teacher.
@Suite struct DistillationTests {
  private static func config(_ blocks: Int, width: Int = 16, classifier: Bool = true) -> ModelConfig
  {
    var config = ModelConfig(
      blocks: blocks, width: width, heads: 2, maximumLength: 8, vocabulary: 13)
    guard classifier else { return config }
    config.architecture = .encoder
    config.objective = .classification
    config.classification = ClassificationConfig(classes: 3)
    return config
  }

  private static func model(_ config: ModelConfig, seed: UInt64) throws -> Transformer {
    try Transformer(config, random: RandomSource(seed: seed))
  }

  private static func batch(classifier: Bool = true) -> Batch {
    var ids: [Int32] = []
    for index in 0..<24 { ids.append(Int32((index * 5 + index / 7) % 13)) }
    let tokens = Tensor(integers: ids, [3, 8])
    guard classifier else {
      var targets: [Int32] = []
      for (place, id) in ids.enumerated() { targets.append(place % 4 == 3 ? -1 : (id + 1) % 13) }
      return Batch(tokens: tokens, targets: Tensor(integers: targets, [3, 8]), targetCount: 18)
    }
    let lengths = Tensor(integers: [8, 3, 5], [3])
    return Batch(
      ModelInput(tokens, lengths: lengths), targets: Tensor(integers: [2, -1, 0], [3]),
      targetCount: 2)
  }

  private func settings(_ change: (inout DistillationSettings) -> Void) -> DistillationSettings {
    var settings = DistillationSettings()
    settings.share = 1
    change(&settings)
    return settings
  }

  @Test(arguments: [true, false])
  func aStudentThatIsItsTeacherHasNothingToLearn(_ classifier: Bool) throws {
    let config = Self.config(2, classifier: classifier)
    let model = try Self.model(config, seed: 1)
    let distillation = try Distillation(
      model,
      settings {
        $0.hidden = 1; $0.relations = 1
      }, student: config)
    var context = Context(.training)
    let found = valueAndGradients(of: model, &context) {
      distillation.loss($0, Self.batch(classifier: classifier), &$1)
    }
    #expect(abs(found.value) < 1e-6)
    for name in found.gradients.names {
      let largest = try #require(found.gradients[name]).doubles.map(abs).max() ?? 0
      #expect(largest < 1e-5, "gradient of \(name)")
    }
  }

  /// The loss by its definition in double precision, from logits.
  @Test(arguments: [true, false], [1.0, 3.0])
  func divergenceEqualsItsDefinition(_ classifier: Bool, _ temperature: Double) throws {
    let (deep, shallow) = (
      Self.config(3, width: 24, classifier: classifier), Self.config(1, classifier: classifier)
    )
    let (teacher, student) = (try Self.model(deep, seed: 1), try Self.model(shallow, seed: 2))
    let batch = Self.batch(classifier: classifier)
    var context = Context(.inference)
    func rows(_ model: Transformer) -> [[Double]] {
      let logits = model(batch.input, &context)
      let classes = logits.shape.columns
      let numbers: [Double] = logits.doubles
      return stride(from: 0, to: logits.count, by: classes).map { start -> [Double] in
        Array(numbers[start..<start + classes])
      }
    }
    func logSoftmax(_ row: [Double]) -> [Double] {
      let scaled: [Double] = row.map { $0 / temperature }
      let top: Double = scaled.max() ?? 0
      var total = 0.0
      for value in scaled { total += exp(value - top) }
      let sum: Double = log(total) + top
      return scaled.map { $0 - sum }
    }
    let targets = batch.targets.integers
    var expected = 0.0
    for (row, (t, s)) in zip(rows(teacher), rows(student)).enumerated() where targets[row] >= 0 {
      for (a, b) in zip(logSoftmax(t), logSoftmax(s)) { expected += exp(a) * (a - b) }
    }
    expected *= temperature * temperature / Double(batch.targetCount)
    let distillation = try Distillation(
      teacher, settings { $0.temperature = temperature }, student: shallow)
    var training = Context(.training)
    let found = distillation.loss(student, batch, &training).scalar
    #expect(abs(found - expected) < 1e-5 * max(1, expected))
    // With a share of the targets it is between both.
    let half = try Distillation(
      teacher,
      settings {
        $0.temperature = temperature
        $0.share = 0.25
      }, student: shallow)
    var other = Context(.training)
    let hard = student.loss(batch.input, targets: batch.targets, &other).scalar
    #expect(abs(half.loss(student, batch, &other).scalar - (0.25 * found + 0.75 * hard)) < 1e-5)
  }

  /// Each term falls when it alone is trained on, and only the student changes.
  @Test(arguments: ["outputs", "hidden", "relations"], [true, false])
  func everyTermIsLearnt(_ term: String, _ classifier: Bool) throws {
    let teacher = try Self.model(Self.config(4, classifier: classifier), seed: 1)
    let config = Self.config(2, classifier: classifier)
    var student = try Self.model(config, seed: 2)
    let distillation = try Distillation(
      teacher,
      settings {
        $0.share = term == "outputs" ? 1 : 0
        $0.hidden = term == "hidden" ? 1 : 0
        $0.relations = term == "relations" ? 10 : 0
      }, student: config)
    let batch = Self.batch(classifier: classifier)
    // The targets must not help: none counts but for the outputs' divergence.
    let none = Batch(
      batch.input,
      targets: term == "outputs"
        ? batch.targets
        : Tensor(
          integers: [Int32](repeating: -1, count: batch.targets.count), batch.targets.shape),
      targetCount: 0)
    var optimizer = AdamW()
    var losses: [Double] = []
    for _ in 0..<60 {
      var context = Context(.training)
      let found = valueAndGradients(of: student, &context) { distillation.loss($0, none, &$1) }
      losses.append(found.value)
      optimizer.update(&student, found.gradients, rate: 3e-3, gradientScale: 1)
    }
    #expect(losses[59] < 0.5 * losses[0], "\(losses[0]) to \(losses[59])")
  }

  @Test func gradientsEqualDifferences() throws {
    let teacher = try Self.model(Self.config(3), seed: 1)
    let config = Self.config(2)
    let student = try Self.model(config, seed: 2)
    let distillation = try Distillation(
      teacher,
      settings {
        $0.share = 0.6; $0.hidden = 0.7; $0.relations = 3
      }, student: config)
    var context = Context(.training)
    let found = valueAndGradients(of: student, &context) {
      distillation.loss($0, Self.batch(), &$1)
    }
    func loss(_ name: String, _ index: Int, _ step: Float) -> Double {
      var moved = student
      moved.updateParameters { other, parameter in
        guard other == name else { return }
        var values = parameter.value.floats
        values[index] += step
        parameter.value = Tensor(values, parameter.value.shape)
      }
      var context = Context(.training)
      return distillation.loss(moved, Self.batch(), &context).scalar
    }
    for name in [
      "blocks.1.mixer.query.weight", "blocks.0.feedForward.up.weight", "classifier.weight",
    ] {
      let gradient = try #require(found.gradients[name]).doubles
      let index = try #require(gradient.indices.max { abs(gradient[$0]) < abs(gradient[$1]) })
      let step: Float = 0.02
      let difference = (loss(name, index, step) - loss(name, index, -step)) / (2 * Double(step))
      #expect(abs(difference - gradient[index]) < 0.02 * abs(gradient[index]) + 1e-4, "\(name)")
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let teacher = try Self.model(Self.config(2), seed: 1)
    func place(
      _ student: ModelConfig, _ change: (inout DistillationSettings) -> Void = { _ in }
    ) -> String? {
      let error = #expect(throws: ConfigError.self) {
        try Distillation(teacher, settings(change), student: student)
      }
      return error?.report.place
    }
    var classes = Self.config(1)
    classes.classification?.classes = 4
    #expect(place(classes) == "distillation.teacher")
    #expect(place(Self.config(1, classifier: false)) == "distillation.teacher")
    var longer = Self.config(1)
    longer.maximumLength = 9
    #expect(place(longer) == "distillation.teacher")
    #expect(place(Self.config(1, width: 8)) { $0.hidden = 1 } == "distillation.hidden")
    #expect(
      place(Self.config(1)) {
        $0.relations = 1
        $0.relationHeads = 3
      } == "distillation.relation_heads")
    var grouped = Self.config(1)
    grouped.blocks[0].mixer = Spec(
      SoftmaxAttention.kind, SoftmaxAttention.Options(heads: 2, keyHeads: 1))
    #expect(place(grouped) { $0.relations = 1 } == "distillation.relations")
  }

  @Test func layersAreCopied() throws {
    let teacher = try Self.model(Self.config(4), seed: 1)
    var student = try Self.model(Self.config(2), seed: 2)
    try student.copyLayers(of: teacher)
    let given = Dictionary(
      uniqueKeysWithValues: teacher.parameters.map { ($0.name, $0.parameter.value.floats) })
    for (name, parameter) in student.parameters {
      let source = name.replacingOccurrences(of: "blocks.1.", with: "blocks.3.")
        .replacingOccurrences(of: "blocks.0.", with: "blocks.1.")
      #expect(parameter.value.floats == given[source], "\(name)")
    }
    var narrow = try Self.model(Self.config(2, width: 8), seed: 2)
    #expect(throws: ConfigError.self) { try narrow.copyLayers(of: teacher) }
  }
}

/// Teachers that cannot teach a run.
@Suite struct TeacherTests {
  private func labeled(_ folder: String, names: (String, String) = ("a", "b")) throws -> String {
    let path = folder + "/labels-\(names.0).csv"
    let rows = sampleText.split(separator: "\n").map {
      "\($0),\($0.hasPrefix("the") ? names.0 : names.1)"
    }
    try put(("text,label\n" + rows.joined(separator: "\n")).utf8, path)
    return path
  }

  private func recipe(_ path: String) -> Recipe {
    smallRecipe(path) {
      $0.model.architecture = .encoder
      $0.data.records = .labeled
      $0.training.steps = 4
      $0.checkpoint.every = 2
    }
  }

  private func run(_ recipe: Recipe, _ out: String, stop: Int = .max) throws {
    var trainer = try Trainer(recipe)
    let folder = try RunFolder(out, trainer)
    let result = try trainer.run(
      { event in
        if case .step(let record) = event, record.step >= stop { return .stop }
        return .proceed
      }, save: { try folder.save($0) })
    try folder.finish(trainer.model, result)
  }

  @Test func othersAreRefused() throws {
    try withTemporaryFolder { folder in
      let path = try labeled(folder)
      try run(recipe(path), folder + "/teacher")
      var student = recipe(path)
      student.distillation.teacher = folder + "/teacher"
      func place(_ change: (inout Recipe) -> Void) throws -> String? {
        var wrong = student
        change(&wrong)
        let error = #expect(throws: ConfigError.self) { try Trainer(wrong) }
        return error?.report.place
      }
      var tokens = try BytePairTrainer(BytePairTrainer.Options(vocabulary: 290))
      Array(sampleText.utf8).withUnsafeBytes { tokens.add($0) }
      try put(tokens.train(), folder + "/tokenizer.json")
      #expect(
        try place { $0.data.tokenizer = .file(folder + "/tokenizer.json") }
          == "distillation.teacher")
      #expect(try place { $0.objective.pooling = .first } == "distillation.teacher")
      #expect(
        try place {
          $0.distillation.copiesLayers = true
          $0.model.width = 32
        } == "distillation.copy_layers")
      // A run goes on with its own teacher and its own labels alone.
      try run(student, folder + "/student", stop: 2)
      let stopped = try StoppedRun(folder + "/student")
      try FileManager.default.removeItem(atPath: folder + "/teacher")
      var second = recipe(path)
      second.training.seed = 5
      try run(second, folder + "/teacher")
      let other = #expect(throws: ConfigError.self) {
        try Trainer(student, resuming: stopped.checkpoint)
      }
      #expect(other?.report.what.contains("teacher") == true)
      var renamed = student
      renamed.distillation.teacher = nil
      renamed.data.train = [try labeled(folder, names: ("b2", "a2"))]
      let labels = #expect(throws: ConfigError.self) {
        try Trainer(renamed, resuming: stopped.checkpoint, allowsOtherData: true)
      }
      #expect(labels?.report.what.contains("labels") == true)
    }
  }

  /// Blocks that are used again are compared use by use.
  @Test func everyUseOfASharedBlockIsTaught() throws {
    var config = ModelConfig(blocks: 2, width: 16, heads: 2, maximumLength: 8, vocabulary: 13)
    config.order = [0, 1, 0, 1]
    let teacher = try Transformer(config, random: RandomSource(seed: 1))
    var settings = DistillationSettings()
    settings.share = 0
    settings.hidden = 1
    let tokens = Tensor(integers: (0..<16).map { Int32($0 % 13) }, [2, 8])
    let none = Tensor(integers: [Int32](repeating: -1, count: 16), [2, 8])
    let batch = Batch(ModelInput(tokens), targets: none, targetCount: 0)
    var context = Context(.training)
    // The model against itself: each use meets the same use.
    let same = try Distillation(teacher, settings, student: config)
    #expect(abs(same.loss(teacher, batch, &context).scalar) < 1e-5)
    // A student of two layers learns from the second and the fourth of four uses.
    var shallow = config
    shallow.order = nil
    let student = try Transformer(shallow, random: RandomSource(seed: 1))
    let half = try Distillation(teacher, settings, student: shallow)
    #expect(half.loss(student, batch, &context).scalar > 1e-3)
  }
}
