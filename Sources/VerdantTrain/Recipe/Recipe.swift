public import VerdantBase
public import VerdantNN

/// Everything that a training run is made of: model, data, training, evaluation, checkpoints.
public struct Recipe: Knobs {
  /// The model's shape.
  public var model = ModelSettings()
  /// What it reads.
  public var data = DataSettings()
  /// How it is trained.
  public var training = TrainingSettings()
  /// How it is evaluated meanwhile.
  public var evaluation = EvaluationSettings()
  /// What is kept meanwhile.
  public var checkpoint = CheckpointSettings()

  /// The defaults.
  public init() {}
  /// The declared sections.
  public static var knobs: [Knob<Recipe>] {
    [
      Knob("model", \.model, "the model's shape"),
      Knob("data", \.data, "what the model reads"),
      Knob("training", \.training, "how the model is trained"),
      Knob("evaluation", \.evaluation, "how the model is evaluated meanwhile"),
      Knob("checkpoint", \.checkpoint, "what is kept meanwhile"),
    ]
  }

  /// Throws unless every option is in its range and fits the others, as in a recipe that was
  /// read from a file: one made in code has passed no check.
  public func check() throws(ConfigError) {
    var reader = SettingsReader()
    _ = Recipe.read(json, at: "", &reader)
    if reader.problems.isEmpty { check(&reader) }
    try reader.finish()
  }

  /// Reports what single options cannot show: sections that contradict each other.
  func check(_ reader: inout SettingsReader) {
    if data.train.isEmpty {
      reader.report(
        .missingKey, "no training text is given", at: "data.train",
        rule: "at least one file or folder", advice: "set it, or add --set data.train=FILE")
    }
    data.check(&reader)
    training.check(&reader)
    let tokens = training.tokensPerStep(context: model.context)
    let (total, overflows) = tokens.multipliedReportingOverflow(by: training.steps ?? 1)
    if overflows || total > TrainingSettings.mostTokens {
      reader.report(
        .outOfRange, "the run has more tokens than can be counted", at: "training",
        rule: "batch · accumulation · context · steps is at most \(TrainingSettings.mostTokens)")
    }
    if model.width % model.heads != 0 {
      reader.report(
        .inconsistent, "\(model.heads) heads do not divide the width \(model.width)",
        at: "model.heads", rule: "the width is a multiple of the heads")
    }
  }
}

/// The section `model` of a recipe.
public struct ModelSettings: Knobs {
  /// Blocks.
  public var layers = 4
  /// Width of a token.
  public var width = 256
  /// Attention heads.
  public var heads = 4
  /// Longest sequence.
  public var context = 256
  /// Inner width of the feed-forward networks.
  public var hidden: Int?
  /// Dropout in training.
  public var dropout = 0.0
  /// Structures by path.
  public var structures: [StructureRule] = []

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<ModelSettings>] {
    [
      Knob("layers", \.layers, 1...4096, "blocks"),
      Knob("width", \.width, 1...65536, "width of a token"),
      Knob("heads", \.heads, 1...65536, "attention heads; divides the width"),
      Knob("context", \.context, 1...(1 << 24), "longest sequence in tokens"),
      Knob(
        "hidden", \.hidden, 1...(1 << 24),
        "inner width of the feed-forward networks; four times the width by default"),
      Knob("dropout", \.dropout, 0...0.99, "dropout of embeddings, attention and feed-forward"),
      Knob(
        "structures", \.structures,
        "structures of linear maps: a list of {match, kind, options}, first match counts"),
    ]
  }

  /// The configuration of a model for a tokenizer's vocabulary.
  public func config(vocabulary: Int) -> ModelConfig {
    var config = ModelConfig(
      blocks: layers, width: width, heads: heads, maximumLength: context,
      vocabulary: vocabulary, structures: structures)
    config.embedding.dropout = dropout
    var attention = SoftmaxAttention.Options(heads: heads)
    attention.dropout = dropout
    var network = MLP.Options()
    network.hidden = hidden
    network.dropout = dropout
    for index in config.blocks.indices {
      config.blocks[index].mixer = Spec(SoftmaxAttention.kind, attention)
      config.blocks[index].feedForward = Spec(MLP.kind, network)
    }
    return config
  }
}

/// The section `evaluation` of a recipe.
public struct EvaluationSettings: Knobs {
  /// Steps between two evaluations; 0 for the end only.
  public var every = 0
  /// Windows of an evaluation during training; the last one takes all.
  public var windows: Int?

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<EvaluationSettings>] {
    [
      Knob("every", \.every, 0...(1 << 40), "steps between evaluations; 0 for the end only"),
      Knob(
        "windows", \.windows, 1...(1 << 40),
        "windows of an evaluation during training; the last evaluation takes all"),
    ]
  }
}

/// The section `checkpoint` of a recipe.
public struct CheckpointSettings: Knobs {
  /// Steps between two saved models; 0 for the end only.
  public var every = 0

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<CheckpointSettings>] {
    [Knob("every", \.every, 0...(1 << 40), "steps between saved models; 0 for the end only")]
  }
}
