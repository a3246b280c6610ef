public import VerdantBase
import VerdantCore
public import VerdantNN

/// The section `training` of a recipe.
public struct TrainingSettings: Knobs {
  /// Sequences of a micro-batch.
  public var batch = 16
  /// Micro-batches of a step.
  public var accumulation = 1
  /// Optimizer steps.
  public var steps: Int?
  /// Tokens to train on.
  public var tokens: Int?
  /// Floating-point operations to spend.
  public var flops: Double?
  /// The number form.
  public var precision = Precision.float32
  /// Whether blocks run again in the backward pass instead of keeping their activations.
  public var checkpointsActivations = false
  /// The peak learning rate.
  public var learningRate = 1e-3
  /// Which optimizer.
  public var optimizer = Spec(AdamW.kind, AdamW.Options())
  /// The learning rate by step.
  public var schedule = Schedule()
  /// Largest norm of the gradients; nil for no clipping.
  public var clip: Double? = 1
  /// What happens to a step whose loss or gradients are not finite.
  public var onNonFinite = NonFinitePolicy.skip
  /// What happens to a step whose loss or gradients jump up.
  public var onSpike = SpikePolicy.off
  /// The share of each target that is spread evenly over the vocabulary.
  public var labelSmoothing = 0.0
  /// Which parameters are trained, as patterns of their names; nil for all that are not frozen.
  public var trainable: [String]?
  /// Seed of initial weights, order of samples and dropout.
  public var seed = 1

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<TrainingSettings>] {
    [
      Knob("batch", \.batch, 1...(1 << 20), "sequences of a micro-batch"),
      Knob("accumulation", \.accumulation, 1...(1 << 20), "micro-batches of a step"),
      Knob("steps", \.steps, 1...(1 << 40), "optimizer steps; or tokens, or flops"),
      Knob("tokens", \.tokens, 1...(1 << 52), "tokens to train on; rounded up to whole steps"),
      Knob(
        "flops", \.flops, 1...1e30,
        "floating-point operations to spend; rounded to whole steps"),
      Knob(
        "precision", \.precision,
        "number form of products and activations; weights and optimizer stay in f32"),
      Knob(
        "checkpoint_activations", \.checkpointsActivations,
        "whether each block keeps its input alone and runs again in the backward pass"),
      Knob("learning_rate", \.learningRate, 0...1e3, "peak learning rate"),
      Knob(
        "optimizer", \.optimizer,
        "optimizer (\(Catalog.optimizers.map { $0.kind }.joined(separator: ", "))) with its options"
      ),
      Knob("schedule", \.schedule, "learning rate by step"),
      Knob("clip", \.clip, 1e-9...1e9, "largest norm of the gradients; null for no clipping"),
      Knob(
        "on_nonfinite", \.onNonFinite,
        "a step with a loss or gradients that are not finite is left out, ends the run, or sends "
          + "it back to a checkpoint"),
      Knob(
        "on_spike", \.onSpike,
        "a step with a loss or gradients far above the last 128 is taken, left out, or sends the "
          + "run back to a checkpoint"),
      Knob(
        "label_smoothing", \.labelSmoothing, 0...0.99,
        "share of each target that training spreads evenly over the vocabulary"),
      Knob(
        "trainable", \.trainable,
        "patterns of the names of the parameters that are trained; null for all but frozen ones"),
      Knob("seed", \.seed, 0...Int.max, "seed of weights, order of samples and dropout"),
    ]
  }

  func check(_ reader: inout SettingsReader) {
    let given = [
      steps.map { _ in "steps" }, tokens.map { _ in "tokens" }, flops.map { _ in "flops" },
    ]
    .compactMap(\.self)
    if given.isEmpty {
      reader.report(
        .missingKey, "no length of the run is given", at: "training",
        rule: "one of steps, tokens, flops")
    } else if given.count > 1 {
      reader.report(
        .inconsistent, "\(given.joined(separator: " and ")) are given", at: "training",
        rule: "only one of steps, tokens, flops")
    }
    _ = Catalog.optimizer(optimizer, at: "training.optimizer", &reader)
  }

  /// Fills in the optimizer options that the recipe leaves out, so that a saved recipe has all.
  mutating func completeOptimizer() throws(ConfigError) { optimizer = try makeOptimizer().spec }

  /// The optimizer, before its first step.
  func makeOptimizer() throws(ConfigError) -> any Optimizer {
    try Catalog.optimizer(optimizer, at: PartPath("training.optimizer"))
  }

  /// The number form of the run: f32 where the machine has no bf16 products of its own.
  public var usedPrecision: Precision { Compute.hasBFloat16Products ? precision : .float32 }

  /// Tokens of one optimizer step; `Int.max` when there are more.
  public func tokensPerStep(context: Int) -> Int {
    let (sequences, overflows) = batch.multipliedReportingOverflow(by: accumulation)
    let (tokens, overflowsToo) = sequences.multipliedReportingOverflow(by: context)
    return overflows || overflowsToo ? .max : tokens
  }

  /// Tokens are counted in a double, too, which is exact up to here.
  static let mostTokens = 1 << 53

  /// The optimizer steps of the run.
  ///
  /// - Parameter flopsPerToken: Operations of training for each token.
  public func totalSteps(context: Int, flopsPerToken: Double) throws(ConfigError) -> Int {
    if let steps { return steps }
    let perStep = tokensPerStep(context: context)
    if let tokens { return (tokens - 1) / perStep + 1 }
    let exact = (flops ?? 0) / (flopsPerToken * Double(perStep))
    guard exact.rounded() >= 1, exact * Double(perStep) <= Double(Self.mostTokens) else {
      throw ConfigError(
        .inconsistent, "\(flops ?? 0) operations are \(exact) steps", place: "training.flops",
        rule: "at least one step, \(flopsPerToken * Double(perStep)) operations")
    }
    return Int(exact.rounded())
  }
}
