import VerdantBase
import VerdantCore
import VerdantNN

/// The two shapes of decoders that GGUF's readers compute, and what a model has to be for each.
enum GGUFShape: String, Sendable {
  /// Rotary positions, RMSNorm and gated networks (Touvron et al. 2023).
  case llama
  /// Added positions, LayerNorm and networks of two maps (Radford et al. 2019).
  case gpt2

  private static let advice =
    "GGUF holds decoders of the shape of Llama or GPT-2; ONNX export knows every option"

  /// The shape of a model.
  ///
  /// - Throws: ``ConfigError`` with every option that the nearest shape does not have, and what it
  ///   has instead.
  init(_ model: Transformer) throws(ConfigError) {
    let shape: GGUFShape =
      model.config.embedding.positions == .rotary
        || model.blocks.first?.feedForward is GatedMLP ? .llama : .gpt2
    var problems: [ConfigError] = []
    shape.check(model.config) { problems.append($0) }
    for (index, block) in model.blocks.enumerated() {
      shape.check(block, model, "blocks[\(index)]") { problems.append($0) }
      // One block's problems are enough: most models repeat them in each.
      if !problems.isEmpty { break }
    }
    if let error = ConfigError(collecting: problems) { throw error }
    self = shape
  }

  private static func problem(_ found: String, _ place: String, _ rule: String) -> ConfigError {
    ConfigError(
      .unsupported, "GGUF export does not know \(found)", place: place, rule: rule, advice: advice)
  }

  private func check(_ config: ModelConfig, _ report: (ConfigError) -> Void) {
    func expect(_ holds: Bool, _ found: String, _ place: String, _ rule: String) {
      if !holds { report(Self.problem(found, place, rule)) }
    }
    expect(
      config.architecture == .decoder, "the architecture '\(config.architecture.rawValue)'",
      "architecture", "'decoder'")
    expect(
      config.objective == .causalLanguageModel, "the objective '\(config.objective.rawValue)'",
      "objective", "'causal-lm'")
    let positions = config.embedding.positions
    switch self {
    case .llama:
      expect(
        positions == .rotary, "the positions '\(positions.kind)' with gated networks",
        "embedding.positions", "'rotary'")
    case .gpt2:
      expect(
        [.learned, .sinusoidal, .none].contains(positions), "the positions '\(positions.kind)'",
        "embedding.positions", "learned, sinusoidal or none, or rotary with gated networks")
    }
    expect(
      config.embedding.rotaryScaling == nil, "scaled angles of positions",
      "embedding.rotary_scaling", "null")
    expect(config.headTransform == nil, "a map before the logits", "head_transform", "null")
    expect(!config.headBias, "a bias of the logits", "head_bias", "false")
    expect(
      config.embedding.norm == nil, "a normalization of the token vectors", "embedding.norm",
      "null")
    expect(
      config.embedding.segments == 0, "vectors of kinds of texts", "embedding.segments", "0")
    check(config.finalNorm, like: config.finalNorm, "final_norm", report)
  }

  private func check(
    _ norm: NormConfig, like final: NormConfig, _ place: String, _ report: (ConfigError) -> Void
  ) {
    let kind: NormConfig.Kind = self == .llama ? .rmsNorm : .layerNorm
    if norm.kind != kind {
      report(
        Self.problem(
          "the normalization '\(norm.kind.kind)' in this shape", place + ".kind",
          "'\(kind.kind)'"))
    }
    if norm.epsilon != final.epsilon {
      report(
        Self.problem(
          "the epsilon \(norm.epsilon) beside \(final.epsilon) at the end", place + ".epsilon",
          "the same in all normalizations"))
    }
  }

  private func check(
    _ block: Block, _ model: Transformer, _ place: String, _ report: (ConfigError) -> Void
  ) {
    func expect(_ holds: Bool, _ found: String, _ key: String, _ rule: String) {
      if !holds { report(Self.problem(found, "\(place).\(key)", rule)) }
    }
    let config = model.config
    expect(
      block.config.arrangement == .preNorm,
      "the arrangement '\(block.config.arrangement.rawValue)'", "arrangement", "'pre-norm'")
    check(block.config.norm, like: config.finalNorm, "\(place).norm", report)
    if let mixer = block.mixer as? SoftmaxAttention {
      let window = mixer.options.window
      expect(
        window.map { $0 >= config.maximumLength } ?? true, "the window \(window ?? 0)",
        "mixer.window", "null, or as long as the longest sequence, \(config.maximumLength)")
      let inner = mixer.projections.query.size.output
      expect(
        self == .llama || inner == config.width,
        "\(mixer.options.heads) heads that are \(inner) wide together, in a model of the width "
          + "\(config.width)", "mixer.head_width", "null")
      if let first = model.blocks.first?.mixer as? SoftmaxAttention {
        expect(
          Self.sizes(mixer) == Self.sizes(first), "blocks of different heads", "mixer.heads",
          "the same heads in every block")
      }
    } else {
      expect(false, "the token mixer '\(type(of: block.mixer).kind)'", "mixer", "'attention'")
    }
    check(block.feedForward, model, "\(place).feed_forward", report)
  }

  private static func sizes(_ mixer: SoftmaxAttention) -> [Int] {
    [mixer.options.heads, mixer.projections.query.size.output, mixer.projections.key.size.output]
  }

  private func check(
    _ part: any FeedForward, _ model: Transformer, _ place: String,
    _ report: (ConfigError) -> Void
  ) {
    let hidden = Self.hidden(part)
    guard let hidden, (part is GatedMLP) == (self == .llama) else {
      report(
        Self.problem(
          "the feed-forward network '\(type(of: part).kind)' in this shape", place + ".kind",
          self == .llama ? "'\(GatedMLP.kind)'" : "'\(MLP.kind)'"))
      return
    }
    let activation = (part as? GatedMLP)?.options.activation ?? (part as? MLP)?.options.activation
    let right: Activation = self == .llama ? .silu : .gelu
    if activation != right {
      report(
        Self.problem(
          "the nonlinearity '\(activation?.rawValue ?? "")' in this shape", place + ".activation",
          "'\(right.rawValue)'"))
    }
    if let first = model.blocks.first.flatMap({ Self.hidden($0.feedForward) }), first != hidden {
      report(
        Self.problem(
          "blocks of the inner widths \(first) and \(hidden)", place + ".hidden",
          "the same inner width in every block"))
    }
  }

  /// The inner width of a network; nil for one that is not known here.
  static func hidden(_ part: any FeedForward) -> Int? {
    (part as? GatedMLP)?.up.size.output ?? (part as? MLP)?.up.size.output
  }
}
