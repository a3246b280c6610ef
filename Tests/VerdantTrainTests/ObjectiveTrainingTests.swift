import Foundation
import Testing
import Verdant
import VerdantTestKit

/// Recipes for other objectives than the next token, from files to a model folder.
@Suite struct ObjectiveTrainingTests {
  enum Case: String, CaseIterable {
    case masked, spans, classes, pairs, decoderClasses

    func recipe(_ folder: String) throws -> Recipe {
      let texts = folder + "/texts.txt"
      let table = folder + "/labels.csv"
      try put(sampleText.utf8, texts)
      let rows = sampleText.split(separator: "\n").map { line in
        "\"\(line)\",\(line.split(separator: " ").prefix(2).joined(separator: " ")),"
          + (line.hasPrefix("the") || line.hasPrefix("a") ? "article" : "other")
      }
      try put(("text,second,label\n" + rows.joined(separator: "\n")).utf8, table)
      return smallRecipe(self == .masked || self == .spans ? texts : table) { recipe in
        recipe.model.context = 48
        recipe.model.dropout = 0.1
        recipe.training.batch = 8
        recipe.training.learningRate = 3e-3
        recipe.evaluation.every = 4
        recipe.checkpoint.every = 2
        recipe.checkpoint.keepLast = 50
        switch self {
        case .masked: recipe.model.architecture = .encoder
        case .spans:
          recipe.model.architecture = .encoderDecoder
          recipe.model.encoderLayers = 1
          recipe.model.positions = .relative
        case .classes:
          recipe.model.architecture = .encoder
          recipe.data.records = .labeled
          recipe.objective.pooling = .first
        case .pairs:
          recipe.model.architecture = .encoder
          recipe.data.records = .labeled
          recipe.data.fields.second = "second"
          recipe.training.accumulation = 2
        case .decoderClasses:
          recipe.data.records = .labeled
          recipe.objective.pooling = .last
        }
      }
    }

    var objective: ModelConfig.Objective {
      switch self {
      case .masked: .maskedLanguageModel
      case .spans: .spanCorruption
      default: .classification
      }
    }
  }

  /// A run, cut after `stop` steps.
  private func run(
    _ recipe: Recipe, _ out: String, stop: Int = .max, resume: Bool = false
  ) throws -> (trainer: Trainer, result: TrainResult) {
    let stopped = resume ? try StoppedRun(out) : nil
    var trainer = try Trainer(recipe, resuming: stopped?.checkpoint)
    let folder = try stopped.map { try RunFolder($0, trainer) } ?? RunFolder(out, trainer)
    let result = try trainer.run { event in
      try folder.record(event)
      if case .step(let record) = event, record.step >= stop { return .stop }
      return .proceed
    } save: {
      try folder.save($0)
    }
    try folder.finish(trainer.model, result)
    return (trainer, result)
  }

  @Test(arguments: Case.allCases)
  func learnsAndGoesOnExactly(_ kind: Case) throws {
    try withTemporaryFolder { folder in
      var recipe = try kind.recipe(folder)
      recipe.training.steps = 8
      let whole = try run(recipe, folder + "/whole")
      #expect(whole.trainer.model.config.objective == kind.objective)
      let parts = folder + "/parts"
      let first = try run(recipe, parts, stop: 5)
      #expect(first.result.wasStopped)
      let second = try run(recipe, parts, resume: true)
      #expect(second.trainer.model.bits == whole.trainer.model.bits)
      let evaluation = try #require(whole.result.evaluation)
      #expect(second.result.evaluation?.loss == evaluation.loss)
      #expect((evaluation.accuracy != nil) == (kind.objective == .classification))
      #expect(evaluation.byteCount == 0)
    }
  }

  @Test(arguments: Case.allCases)
  func theLossFallsAndTheFolderIsWhole(_ kind: Case) throws {
    try withTemporaryFolder { folder in
      var recipe = try kind.recipe(folder)
      recipe.training.steps = 100
      recipe.model.width = 32
      recipe.model.dropout = 0
      recipe.checkpoint.every = 0
      recipe.evaluation.every = 0
      var trainer = try Trainer(recipe)
      var losses: [Double] = []
      let out = folder + "/run"
      let run = try RunFolder(out, trainer)
      let result = try trainer.run { event in
        if case .step(let record) = event {
          losses.append(record.loss)
          #expect(record.tokensPerSecond > 0)
        }
        return .proceed
      }
      try run.finish(trainer.model, result)
      let end = losses.suffix(10).reduce(0, +) / 10
      // Labels follow from the first word: a classifier learns them, a language model its letters.
      #expect(end < (kind.objective == .classification ? 0.45 : 0.75 * losses[0]), "\(end)")
      let read = try ModelFolder(out + "/model")
      #expect(read.model.bits == trainer.model.bits)
      #expect(read.labels == (kind.objective == .classification ? ["article", "other"] : nil))
      #expect(read.model.config == trainer.model.config)
      // The same measure from the folder and the files, but for the split and the masks.
      var options = RecordOptions()
      if kind == .pairs { options.fields.second = "second" }
      let again = try Evaluation(read, recipe.data.train, options, batch: 16)
      let before = try #require(result.evaluation)
      #expect(abs(again.loss - before.loss) < 0.35)
      if let accuracy = again.accuracy {
        #expect(accuracy > 0.8 && again.tokenCount == 400)
      }
      // An objective that reads other records says so.
      let wrong: DataSettings.RecordKind = kind.objective == .classification ? .text : .labeled
      #expect(throws: ConfigError.self) {
        try Evaluation(read, recipe.data.train, records: wrong, options, batch: 16)
      }
    }
  }

  @Test(arguments: Case.allCases)
  func theForecastSeesTheObjective(_ kind: Case) throws {
    try withTemporaryFolder { folder in
      let recipe = try kind.recipe(folder)
      let plan = try TrainingPlan(recipe)
      let trainer = try Trainer(recipe)
      #expect(plan.parameterCount == trainer.model.parameterCount)
      #expect(plan.memory.total > 0 && plan.cost.trainingPerToken > 0)
      var deeper = recipe
      deeper.model.layers *= 2
      #expect(try TrainingPlan(deeper).memory.activations > plan.memory.activations)
    }
  }

  @Test func aTeacherIsLearntFromByRecipe() throws {
    try withTemporaryFolder { folder in
      var recipe = try Case.classes.recipe(folder)
      recipe.training.steps = 60
      recipe.checkpoint.every = 0
      recipe.evaluation.every = 0
      let out = folder + "/teacher"
      _ = try run(recipe, out)
      var student = recipe
      student.model.layers = 1
      student.distillation.teacher = out
      student.distillation.hidden = 0.5
      student.distillation.relations = 0.5
      student.training.steps = 6
      student.checkpoint.every = 2
      let alone = try TrainingPlan(
        {
          var other = student
          other.distillation.teacher = nil
          return other
        }())
      let taught = try TrainingPlan(student)
      #expect(taught.memory.total > alone.memory.total)
      let whole = try run(student, folder + "/student")
      _ = try run(student, folder + "/parts", stop: 3)
      let second = try run(student, folder + "/parts", resume: true)
      #expect(second.trainer.model.bits == whole.trainer.model.bits)
      // Another teacher's classes.
      var wrong = student
      wrong.data.train = [folder + "/other.csv"]
      try put(Array("text,label\na,x\nb,y\nc,z\n".utf8), folder + "/other.csv")
      #expect(throws: ConfigError.self) { try Trainer(wrong) }
      wrong = student
      wrong.distillation.teacher = folder + "/nowhere"
      #expect(throws: CheckpointError.self) { try Trainer(wrong) }
      wrong = student
      wrong.training.checkpointsActivations = true
      let error = #expect(throws: ConfigError.self) { try Trainer(wrong) }
      #expect(error?.report.place == "distillation.relations")
    }
  }

  @Test func whatDoesNotFitTogetherIsRefused() throws {
    try withTemporaryFolder { folder in
      func place(_ kind: Case, _ change: (inout Recipe) -> Void) throws -> String? {
        var recipe = try kind.recipe(folder)
        change(&recipe)
        let error = #expect(throws: ConfigError.self) { try recipe.check() }
        return error?.report.place
      }
      #expect(try place(.masked) { $0.objective.kind = .spanCorruption } == "objective.kind")
      #expect(try place(.masked) { $0.objective.maskShare = 0.95 } == "objective")
      #expect(try place(.masked) { $0.data.records = .completion } == "data.records")
      #expect(try place(.classes) { $0.data.fields.label = nil } == "data.fields.label")
      #expect(try place(.classes) { $0.data.weights = [1] } == "data.train")
      #expect(try place(.classes) { $0.model.encoderLayers = 2 } == "model.encoder_layers")
      #expect(try place(.spans) { $0.data.records = .labeled } == "objective.kind")
      // One label alone is nothing to choose from.
      let single = folder + "/single.csv"
      try put(Array("text,label\na,x\nb,x\n".utf8), single)
      var recipe = try Case.classes.recipe(folder)
      recipe.data.train = [single]
      let error = #expect(throws: DataError.self) { try Trainer(recipe) }
      #expect(error?.report.what.contains("one label") == true)
      // A label of the evaluation that training does not know.
      let other = folder + "/held.csv"
      try put(Array("text,label\na,artikle\n".utf8), other)
      recipe = try Case.classes.recipe(folder)
      recipe.data.validation = [other]
      let unknown = #expect(throws: DataError.self) { try Trainer(recipe) }
      #expect(unknown?.report.advice?.contains("article") == true)
    }
  }
}

/// Recipes with a tokenizer of their own.
@Suite struct TokenizerRecipeTests {
  private func tokenizer(_ path: String) throws {
    var trainer = try BytePairTrainer(BytePairTrainer.Options(vocabulary: 300))
    Array(sampleText.utf8).withUnsafeBytes { trainer.add($0) }
    try put(trainer.train(), path)
  }

  @Test func tokensOfAFile() throws {
    try withTemporaryFolder { folder in
      try put(sampleText.utf8, folder + "/text.txt")
      try makeFolder(folder + "/bpe")
      try tokenizer(folder + "/bpe/tokenizer.json")
      let recipe = smallRecipe(folder + "/text.txt") {
        $0.data.tokenizer = .file(folder + "/bpe")
        $0.data.cache = folder + "/cache"
        $0.checkpoint.every = 2
        $0.evaluation.every = 4
        $0.evaluation.windows = 3
      }
      func run(_ out: String) throws -> (model: Transformer, evaluation: Evaluation) {
        var trainer = try Trainer(recipe)
        let run = try RunFolder(out, trainer)
        let result = try trainer.run({ _ in .proceed }, save: { try run.save($0) })
        try run.finish(trainer.model, result)
        return (trainer.model, try #require(result.evaluation))
      }
      let first = try run(folder + "/first")
      #expect((258...300).contains(first.model.config.vocabulary))
      // Two to three bytes a token, and bits of bytes, not of tokens.
      #expect(first.evaluation.byteCount > 2 * first.evaluation.tokenCount)
      let bits = first.evaluation.bitsPerByte
      #expect(bits > 1 && bits < 8)
      let read = try ModelFolder(folder + "/first/model")
      #expect(read.tokenizer.fingerprint == (try recipe.data.tokenizer.load()).fingerprint)
      #expect(read.tokenizer.encode("the quick fox").count < 10)
      // From the cache, to the same bits.
      #expect(try run(folder + "/second").model.bits == first.model.bits)
      // Going on takes the tokenizer of the recipe, which has to be the same.
      let stopped = try StoppedRun(folder + "/first")
      #expect(stopped.checkpoint.step == 8)
      var generator = try TextGenerator(read.model, read.tokenizer, prompt: "the", .greedy)
      #expect(try generator.next() != nil)
      // Another tokenizer has its own place in the cache.
      var bytes = recipe
      bytes.data.tokenizer = .bytes
      #expect(try Trainer(bytes).training.count > 2 * Trainer(recipe).training.count)
    }
  }

  @Test func masksOfATokenizerThatHasThem() throws {
    try withTemporaryFolder { folder in
      var options = BytePairTrainer.Options(vocabulary: 280)
      options.specialTokens = ["[PAD]", "[CLS]", "[SEP]", "[MASK]"]
      var trainer = try BytePairTrainer(options)
      Array(sampleText.utf8).withUnsafeBytes { trainer.add($0) }
      let tokenizer = try PretrainedTokenizer(parsing: trainer.train())
      let special = SpecialTokens(tokenizer, .maskedLanguageModel)
      #expect(special.vocabulary == tokenizer.vocabulary)
      #expect(special.mask == tokenizer.id(of: "[MASK]"))
      #expect(special.padding == tokenizer.id(of: "[PAD]"))
      #expect(special.separator == tokenizer.id(of: "[SEP]"))
      let bytes = SpecialTokens(ByteTokenizer(), .spanCorruption)
      #expect(bytes.vocabulary == 359 && bytes.mask == 257 && bytes.firstSentinel == 358)
      #expect(SpecialTokens(ByteTokenizer(), .classification).vocabulary == 259)
      #expect(SpecialTokens(ByteTokenizer(), .causalLanguageModel).vocabulary == 257)
    }
  }

  @Test func aTokenizerThatIsNone() throws {
    try withTemporaryFolder { folder in
      try put(sampleText.utf8, folder + "/text.txt")
      try put(Array("{}".utf8), folder + "/tokenizer.json")
      for path in ["/tokenizer.json", "/nowhere.json"] {
        let recipe = smallRecipe(folder + "/text.txt") {
          $0.data.tokenizer = .file(folder + path)
        }
        let error = #expect(throws: TokenizerError.self) { try Trainer(recipe) }
        #expect(error?.report.file == folder + path)
      }
    }
  }
}
