import Testing
import Verdant

private let minimal = "data: {train: a.txt}\ntraining: {steps: 5}\n"

private func parse(_ text: String, _ overrides: [String] = []) throws -> Recipe {
  try RecipeFile.parse(text, file: "r.yaml", overrides: overrides)
}

@Suite struct RecipeTests {
  @Test func everyOptionCanBeRead() throws {
    let recipe = try parse(
      """
      # a comment
      model: {layers: 3, width: 64, heads: 8, context: 32, hidden: 100, dropout: 0.1}
      data:
        train: [a.txt, "b c.txt"]
        validation: v.txt
        validation_fraction: 0.2
        encoding: bytes
      training:
        batch: 7
        accumulation: 2
        tokens: 1_000
        learning_rate: 3e-4
        optimizer: {kind: adamw, beta2: 0.99, weight_decay: 0}
        schedule: {kind: constant, warmup_steps: 4}
        clip: ~
        seed: 12
      evaluation: {every: 10, windows: 3}
      checkpoint: {every: 20}
      """
    )
    #expect(recipe.model.hidden == 100 && recipe.model.heads == 8)
    #expect(recipe.data.train == ["a.txt", "b c.txt"] && recipe.data.validation == ["v.txt"])
    #expect(recipe.data.encoding == .bytes)
    #expect(recipe.training.tokens == 1000 && recipe.training.clip == nil)
    #expect(recipe.training.schedule.kind == .constant)
    #expect(recipe.training.optimizer.options["beta2"] == 0.99)
    #expect(recipe.evaluation.windows == 3 && recipe.checkpoint.every == 20)
  }

  @Test func everyShapeCanBeChosen() throws {
    let llama = try parse(
      minimal + """
        model:
          {layers: 2, width: 32, heads: 4, key_heads: 2, window: 9, context: 16, norm: rms-norm,
           positions: rotary, rotary_base: 500, feed_forward: gated-mlp, bias: false, head: free,
           arrangement: parallel, order: [0, 1, 0], stochastic_depth: 0.1, activation: gelu}
        """, ["training.label_smoothing=0.1"])
    let config = llama.model.config(vocabulary: 257)
    #expect(llama.training.labelSmoothing == 0.1)
    #expect(config.embedding.positions == .rotary && config.embedding.rotaryBase == 500)
    #expect(config.finalNorm.kind == .rmsNorm && config.head == .free)
    #expect(config.order == [0, 1, 0] && config.stochasticDepth == 0.1)
    #expect(config.blocks[1].arrangement == .parallel)
    let mixer = config.blocks[1].mixer.options
    #expect(mixer["key_heads"] == 2 && mixer["window"] == 9 && mixer["bias"] == false)
    let network = config.blocks[0].feedForward
    #expect(network.kind == "gated-mlp" && network.options["activation"] == "gelu")
    #expect(network.options["bias"] == false)
    let model = try Transformer(config, random: RandomSource(seed: 1))
    #expect(!model.parameters.contains { $0.parameter.role == .bias })
    #expect(try parse(RecipeFile.text(llama)) == llama)
    let post = try parse(minimal, ["model.arrangement=post-norm"]).model.config(vocabulary: 257)
    #expect(post.finalNorm.kind == .none && post.blocks[0].norm.kind == .layerNorm)
  }

  @Test func defaultsAreThoseOfTheFirstVersion() throws {
    let config = try parse(minimal).model.config(vocabulary: 257)
    #expect(config == ModelConfig(blocks: 4, width: 256, heads: 4, maximumLength: 256).completed)
  }

  @Test(arguments: [
    ("model.norm=rmsnorm", "rms-norm"), ("model.positions=rotery", "rotary"),
    ("model.feed_forward=gated-mpl", "gated-mlp"), ("model.arrangement=postnorm", "post-norm"),
    ("model.head=fre", "free"), ("model.activation=slu", "silu"),
  ])
  func unknownKindsNameTheNearest(_ override: String, _ near: String) {
    let error = #expect(throws: ConfigError.self) { try parse(minimal, [override]) }
    #expect(error?.report.description.contains("'\(near)'") == true, "\(error?.description ?? "")")
  }

  @Test func keyHeadsDivideTheHeads() {
    let error = #expect(throws: ConfigError.self) { try parse(minimal, ["model.key_heads=3"]) }
    #expect(error?.report.place?.contains("model.key_heads") == true)
  }

  @Test func writtenRecipeReadsBackEqual() throws {
    var recipes = [try parse(minimal)]
    var full = try parse(minimal)
    full.model.hidden = 77
    full.model.structures = [
      StructureRule(match: "blocks.*.feedForward.*", Spec(LowRank.kind, LowRank.Options(rank: 8))),
      StructureRule(match: "**", Spec(Dense.kind)),
    ]
    full.data.train = [
      "a: b", "- c", "#d", "\"quoted\"", "'x'", "trailing ", " leading", "null", "12", "true", "~",
      "new\nline", "tab\tö 世 😀", "back\\slash", "{a: b}", "[1]", "&x", "*x", "!t", "%", "@", "`",
      String(repeating: "long word ", count: 60), "\u{85}\u{2028}\u{FEFF}", "\u{1}\u{7F}",
    ]
    full.data.validation = []
    full.training.steps = nil
    full.training.flops = 1.25e18
    full.training.clip = nil
    full.training.learningRate = 1.0 / 3
    full.training.seed = .max
    full.training.optimizer = Spec(AdamW.kind, AdamW.Options())
    recipes.append(full)
    var tokens = try parse(minimal)
    tokens.training.steps = nil
    tokens.training.tokens = 1 << 52
    recipes.append(tokens)
    for recipe in recipes { #expect(try parse(RecipeFile.text(recipe)) == recipe) }
  }

  @Test(arguments: [
    ("model: {layers: 3}\nmodle: {}\n", "line 2 (modle)", "model"),
    ("model:\n  layers: 3\n  widht: 5\n", "line 3 (model.widht)", "width"),
    (
      "training:\n\n  schedule:\n    warmup_step: 5\n", "line 4 (training.schedule.warmup_step)",
      "warmup_steps"
    ),
    (
      "training:\n  optimizer:\n    kind: adamw\n    betta1: 5\n",
      "line 4 (training.optimizer.betta1)", "beta1"
    ),
    (
      "model:\n  structures:\n    - match: '**'\n      kind: low-rank\n      rnk: 3\n",
      "line 5 (model.structures[0].rnk)", "rank"
    ),
    (
      "model:\n  structures:\n    - {match: '**', kind: low_rank}\n",
      "line 3 (model.structures[0].kind)", "low-rank"
    ),
    ("data:\n  encoding: utf8\n", "line 2 (data.encoding)", "utf-8"),
  ])
  func unknownNames(_ more: String, _ place: String, _ near: String) {
    var text = more
    if !text.contains("training:") { text += "training: {steps: 5}\n" }
    if !text.contains("steps:") { text += "# \n" }
    let overrides = ["data.train=a.txt", "training.steps=5"]
    let error = #expect(throws: ConfigError.self) { try parse(text, overrides) }
    #expect(error?.report.file == "r.yaml")
    #expect(error?.report.place == place)
    #expect(error?.report.advice == "did you mean '\(near)'?", "\(error?.description ?? "")")
  }

  @Test func unknownOptimizer() {
    let error = #expect(throws: ConfigError.self) {
      try parse(minimal, ["training.optimizer=adam"])
    }
    #expect(error?.report.advice == "did you mean 'adamw'?")
  }

  @Test func duplicateKeysNameTheKeyAndLine() {
    let error = #expect(throws: ConfigError.self) {
      try parse("model:\n  width: 8\n  layers: 2\n  width: 16\n")
    }
    #expect(error?.kind == .syntax)
    #expect(error?.report.what.contains("width") == true, "\(error?.description ?? "")")
    #expect(error?.report.place?.hasPrefix("line ") == true, "\(error?.description ?? "")")
  }

  @Test(arguments: [
    ("", "steps, tokens, flops"), ("steps: 5\n  tokens: 5", "only one"),
    ("steps: 5\n  flops: 1e9", "only one"), ("tokens: 5\n  flops: 1e9", "only one"),
    ("steps: null", "steps, tokens, flops"),
  ])
  func exactlyOneLength(_ lines: String, _ rule: String) {
    let error = #expect(throws: ConfigError.self) {
      try parse("data: {train: a}\ntraining:\n  batch: 4\n  \(lines)\n")
    }
    #expect(error?.report.rule?.contains(rule) == true, "\(error?.description ?? "")")
    #expect(error?.exitCode == .inconsistentConfiguration)
  }

  @Test func contradictions() {
    for overrides in [
      ["model.width=10", "model.heads=3"], ["data.train=[]"], ["model.heads=0"],
      ["training.batch=1048576", "training.accumulation=1048576", "model.context=16777216"],
      ["training.steps=1099511627776", "training.batch=1048576"],
    ] {
      #expect(throws: ConfigError.self, "\(overrides)") { try parse(minimal, overrides) }
    }
  }

  static let numbers = [
    "model.layers", "model.width", "model.heads", "model.context", "model.hidden",
    "model.key_heads", "model.window", "model.rotary_base", "model.stochastic_depth",
    "model.embedding_scale",
    "model.dropout", "data.validation_fraction", "training.batch", "training.accumulation",
    "training.steps", "training.learning_rate", "training.schedule.warmup_steps",
    "training.schedule.final_fraction", "training.schedule.decay_fraction",
    "training.schedule.decay_steps", "training.clip", "training.seed", "evaluation.every",
    "evaluation.windows", "checkpoint.every",
  ]

  @Test(arguments: numbers)
  func hostileNumbers(_ name: String) {
    for value in [
      "-1", "nan", ".nan", "inf", ".inf", "-.inf", "1e400", "-1e400", "9223372036854775808", "0x10",
      "'5'", "five", "[1]", "{a: 1}", "true", "99999999999999999999999999", "1.5.2", "١",
    ] {
      let error = #expect(throws: ConfigError.self, "\(name)=\(value)") {
        try parse(minimal, ["\(name)=\(value)"])
      }
      #expect(error?.exitCode == .inconsistentConfiguration)
      #expect(error?.description.contains(name) == true)
    }
    for value in ["0", "1", "null", "", "~", "2147483648", "1e3", "0.5", "1_0", "1099511627776"] {
      do {
        let recipe = try parse(minimal, ["\(name)=\(value)"])
        _ = try MemoryNeed(recipe.model.config(vocabulary: 257))
      } catch {
        #expect(error is ConfigError)
      }
    }
  }

  @Test(arguments: ["tokens", "flops"])
  func hostileLengths(_ name: String) {
    let text = "data: {train: a.txt}\n"
    for value in ["-1", "0", "nan", ".inf", "1e400", "text", "[]", "1e31"] {
      #expect(throws: ConfigError.self, "\(value)") {
        try parse(text, ["training.\(name)=\(value)"])
      }
    }
  }

  @Test func overrides() throws {
    #expect(try parse(minimal, ["model.width=64"]).model.width == 64)
    #expect(try parse(minimal, ["data.train=[x, y]"]).data.train == ["x", "y"])
    #expect(try parse(minimal, ["data.train=x=y"]).data.train == ["x=y"])
    #expect(try parse(minimal, ["data.validation=v"]).data.validation == ["v"])
    #expect(try parse(minimal, ["training={tokens: 70}"]).training.tokens == 70)
    #expect(try parse(minimal, ["training.steps=null", "training.tokens=9"]).training.tokens == 9)
    #expect(
      try parse(minimal, ["training.optimizer.beta1=0.5", "training.optimizer.kind=adamw"])
        .training.optimizer.options["beta1"] == 0.5
    )
    #expect(try parse(minimal, ["model.width=64", "model.width=32"]).model.width == 32)
    #expect(
      try parse(minimal, ["model.structures=[{match: '**', kind: dense}]"])
        .model.structures.count == 1
    )
    #expect(try parse("", ["data.train=a", "training.steps=1"]).training.steps == 1)
  }

  @Test(arguments: [
    "", "=", "=5", "model.width", ".=5", "..=5", "model..width=5", ".model=5", "model.=5",
    "model.width.x=5", "data.train.0=x", "modle.width=5", "model.widht=5", "model.width=[",
    "model.width={a",
    "model.width='", "model.width=*a", "model=5", "model.structures[0].rank=5", "training.steps=@",
  ])
  func wrongOverrides(_ override: String) {
    let error = #expect(throws: ConfigError.self) { try parse(minimal, [override]) }
    #expect(error?.report.what.isEmpty == false)
  }

  @Test func longAndDeepOverrides() {
    let deep = Array(repeating: "a", count: 100_000).joined(separator: ".")
    #expect(throws: ConfigError.self) { try parse(minimal, [deep + "=1"]) }
    #expect(throws: ConfigError.self) {
      try parse(minimal, [String(repeating: "x", count: 200_000) + "=1"])
    }
    #expect(throws: ConfigError.self) {
      try parse(minimal, ["model=" + String(repeating: "[", count: 100_000)])
    }
  }

  @Test(arguments: [
    "model: [", "model: {", "model: 'x", "a: b: c", "\tmodel: 3", "model: *x", "? [a]\n: b", "- a",
    "5",
    "model:\n layers: 3\n  width: 4\n", "\u{0}", "model: !!binary 5", "%YAML 9.9\n---\n",
    "a: 1\n---\nb: 2\n",
    "model: \u{1}",
  ])
  func malformedText(_ text: String) {
    let error = #expect(throws: ConfigError.self) { try parse(text) }
    #expect(error?.report.file == "r.yaml")
  }

  @Test func aliasBombsAreStopped() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1..<12 {
      let before = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(before)]\n"
    }
    let error = #expect(throws: ConfigError.self) { try parse(text) }
    #expect(error?.kind == .syntax)
    #expect(throws: ConfigError.self) { try parse("a: &a [*a]") }
  }

  @Test func deepNestingIsStopped() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")] {
      for depth in [33, 1000, 20_000] {
        let text =
          String(repeating: open, count: depth) + String(repeating: close, count: depth)
        #expect(throws: ConfigError.self, "\(open) \(depth)") { try parse("model: " + text) }
        #expect(throws: ConfigError.self, "\(open) \(depth)") { try parse(text) }
      }
    }
  }

  @Test func files() throws {
    try withTemporaryFolder { (folder) throws in
      func status(_ bytes: [UInt8]?) throws -> ExitCode? {
        let path = folder + "/r.yaml"
        if let bytes { try put(bytes, path) }
        do throws(ConfigError) {
          _ = try RecipeFile.read(path)
          return nil
        } catch {
          #expect(error.report.file == path)
          return error.exitCode
        }
      }
      #expect(try status(nil) == .missingInput)
      #expect(try status([]) == .inconsistentConfiguration)
      #expect(try status(Array("a: \u{FF}".utf8) + [0xFF]) == .inconsistentConfiguration)
      #expect(try status(Array(minimal.utf8)) == nil)
      #expect(try status([0xEF, 0xBB, 0xBF] + Array(minimal.utf8)) == nil)
      #expect(try status(Array(minimal.replacing("\n", with: "\r\n").utf8)) == nil)
      #expect(try status(Array(repeating: 32, count: 5 << 20)) != nil)
      #expect(throws: ConfigError.self) { try RecipeFile.read(folder) }
      #expect(throws: ConfigError.self) { try RecipeFile.read("") }
    }
  }

  @Test func recipesMadeInCodeAreChecked() {
    let changes: [(inout Recipe) -> Void] = [
      { $0.model.heads = 0 }, { $0.model.width = -1 }, { $0.training.batch = 0 },
      { $0.training.seed = -1 }, { $0.training.steps = 0 }, { $0.training.steps = nil },
      { $0.training.learningRate = .nan }, { $0.training.clip = -1 }, { $0.evaluation.windows = 0 },
      { $0.evaluation.every = -5 }, { $0.training.accumulation = .max }, { $0.model.dropout = 1 },
      { $0.training.tokens = 5 }, { $0.model.context = 0 }, { $0.data.validationFraction = 2 },
      { $0.training.optimizer = Spec("adam") }, { $0.data.train = [] },
    ]
    for (index, change) in changes.enumerated() {
      let recipe = smallRecipe("none.txt", change)
      #expect(throws: ConfigError.self, "change \(index)") { try recipe.check() }
      #expect(throws: ConfigError.self, "change \(index)") { try Trainer(recipe) }
    }
    #expect(throws: Never.self) { try smallRecipe("none.txt").check() }
  }

  @Test func modelOfARecipe() {
    var settings = ModelSettings()
    settings.hidden = 33
    settings.dropout = 0.25
    let config = settings.config(vocabulary: 300)
    #expect(config.blocks.count == 4 && config.vocabulary == 300 && config.maximumLength == 256)
    #expect(config.embedding.dropout == 0.25)
    #expect(config.blocks[3].feedForward.options["hidden"] == 33)
    #expect(config.blocks[3].mixer.options["dropout"] == 0.25)
  }

  @Test func lengthsOfRuns() throws {
    var settings = TrainingSettings()
    settings.batch = 4
    settings.accumulation = 2
    #expect(settings.tokensPerStep(context: 16) == 128)
    settings.tokens = 128
    #expect(try settings.totalSteps(context: 16, flopsPerToken: 1) == 1)
    settings.tokens = 129
    #expect(try settings.totalSteps(context: 16, flopsPerToken: 1) == 2)
    settings.tokens = nil
    settings.flops = 128 * 100 * 10.4
    #expect(try settings.totalSteps(context: 16, flopsPerToken: 100) == 10)
    settings.flops = 128 * 100 * 0.4
    #expect(throws: ConfigError.self) { try settings.totalSteps(context: 16, flopsPerToken: 100) }
    settings.flops = 1e30
    #expect(throws: ConfigError.self) { try settings.totalSteps(context: 16, flopsPerToken: 100) }
    settings.batch = 1 << 20
    settings.accumulation = 1 << 20
    #expect(settings.tokensPerStep(context: 1 << 24) == .max)
  }

  /// Recipes with damaged bytes give a recipe or a typed error, and never end the process.
  @Test func damagedRecipes() throws {
    let whole = Array(RecipeFile.text(try parse(minimal)).utf8)
    let pieces: [[UInt8]] = [
      [], [0], [0xFF], Array("\n".utf8), Array("  ".utf8), Array(": ".utf8), Array("- ".utf8),
      Array("[".utf8), Array("{".utf8), Array("*a".utf8), Array("&a ".utf8), Array("!!int ".utf8),
      Array("9223372036854775808".utf8), Array("-1".utf8), Array("1e999".utf8), Array("#".utf8),
      Array("null".utf8), Array("\"".utf8), Array("'".utf8), Array("|\n".utf8), Array("? ".utf8),
      Array("---\n".utf8), Array("<<: ".utf8), Array("\t".utf8), Array("\u{FEFF}".utf8),
    ]
    try withTemporaryFolder { folder in
      let path = folder + "/r.yaml"
      for seed in 0..<1500 {
        let source = RandomSource(seed: UInt64(seed))
        func draw(_ counter: UInt64, _ limit: Int) -> Int {
          Int(source.uniform(at: counter) * Double(limit))
        }
        var bytes = whole
        for change in 0..<UInt64(1 + draw(0, 3)) {
          let start = draw(10 * change + 1, bytes.count)
          let end = min(bytes.count, start + draw(10 * change + 2, 12))
          bytes.replaceSubrange(start..<end, with: pieces[draw(10 * change + 3, pieces.count)])
        }
        try put(bytes, path)
        do {
          let recipe = try RecipeFile.read(path)
          #expect(throws: Never.self) { try recipe.check() }
          #expect(try parse(RecipeFile.text(recipe)) == recipe, "seed \(seed)")
        } catch {
          #expect(error is ConfigError)
        }
      }
    }
  }
}

extension ModelConfig {
  /// The same with every option of the networks written out.
  fileprivate var completed: ModelConfig {
    var config = self
    for index in config.blocks.indices {
      config.blocks[index].feedForward = Spec(MLP.kind, MLP.Options())
    }
    return config
  }

  @Test func policiesThatCouldNeverWorkAreRefused() throws {
    func problems(_ change: (inout Recipe) -> Void) -> [String] {
      var recipe = smallRecipe("text")
      change(&recipe)
      do throws(ConfigError) {
        try recipe.check()
        return []
      } catch { return error.problems.compactMap(\.place) }
    }
    #expect(problems { _ in } == [])
    #expect(problems { $0.training.onSpike = .rollback } == ["checkpoint"])
    let reaching = problems {
      $0.training.onNonFinite = .rollback
      $0.checkpoint.every = 50
      $0.checkpoint.keepLast = 3
    }
    #expect(reaching == [])
    #expect(problems { $0.evaluation.patience = 2 } == ["evaluation.patience"])
    let without = problems {
      $0.evaluation.patience = 2
      $0.evaluation.every = 5
      $0.data.validationFraction = 0
    }
    #expect(without == ["evaluation.patience"])
  }
}
