public import VerdantBase
public import VerdantNN

/// Everything that a training run is made of: model, data, objective, training, teacher, evaluation, checkpoints.
public struct Recipe: Knobs {
  /// The model's shape.
  public var model = ModelSettings()
  /// What it reads.
  public var data = DataSettings()
  /// What it learns from that.
  public var objective = ObjectiveSettings()
  /// How it is trained.
  public var training = TrainingSettings()
  /// Whom it learns from besides.
  public var distillation = DistillationSettings()
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
      Knob("objective", \.objective, "what the model learns from that"),
      Knob("training", \.training, "how the model is trained"),
      Knob("distillation", \.distillation, "the model that it learns from besides"),
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
    model.check(&reader)
    checkObjective(&reader)
    distillation.check(self, &reader)
    checkWatch(&reader)
  }

  /// Reports policies that could never work.
  private func checkWatch(_ reader: inout SettingsReader) {
    let goesBack = training.onNonFinite == .rollback || training.onSpike == .rollback
    let (reach, overflows) = (checkpoint.keepLast - 1).multipliedReportingOverflow(
      by: checkpoint.every)
    if goesBack && !overflows && reach < Trainer.stepsBack {
      reader.report(
        .inconsistent, "no checkpoint is \(Trainer.stepsBack) steps old when a rollback wants one",
        at: "checkpoint",
        rule: "(keep_last - 1) · every is at least \(Trainer.stepsBack) with a policy 'rollback'")
    }
    if evaluation.patience != nil
      && (evaluation.every == 0 || (data.validation == nil && data.validationFraction == 0))
    {
      reader.report(
        .inconsistent, "there is no evaluation to be patient with", at: "evaluation.patience",
        rule: "evaluation.every is above 0 and there is validation text")
    }
  }
}

/// The section `evaluation` of a recipe.
public struct EvaluationSettings: Knobs {
  /// Steps between two evaluations; 0 for the end only.
  public var every = 0
  /// Windows of an evaluation during training; the last one takes all.
  public var windows: Int?
  /// Evaluations without a lower loss after which the run ends; nil for none.
  public var patience: Int?

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<EvaluationSettings>] {
    [
      Knob("every", \.every, 0...(1 << 40), "steps between evaluations; 0 for the end only"),
      Knob(
        "windows", \.windows, 1...(1 << 40),
        "windows of an evaluation during training; the last evaluation takes all"),
      Knob(
        "patience", \.patience, 1...(1 << 40),
        "evaluations without a lower loss after which the run ends; null for never"),
    ]
  }
}

/// The section `checkpoint` of a recipe.
public struct CheckpointSettings: Knobs {
  /// Steps between two checkpoints; 0 for none but the one of an interrupted run.
  public var every = 0
  /// How many of the newest checkpoints stay.
  public var keepLast = 2
  /// How many of those with the lowest evaluation loss stay besides.
  public var keepBest = 0

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<CheckpointSettings>] {
    [
      Knob(
        "every", \.every, 0...(1 << 40),
        "steps between checkpoints; 0 for none but the one of an interrupted run"),
      Knob("keep_last", \.keepLast, 2...(1 << 20), "newest checkpoints that stay"),
      Knob(
        "keep_best", \.keepBest, 0...(1 << 20),
        "checkpoints with the lowest evaluation loss that stay besides"),
    ]
  }
}
