public import VerdantBase

extension ModelConfig {
  /// Each rule is tried for the maps of each block; beyond this product it is no description of a
  /// model but takes minutes.
  private static let mostTrials = 1 << 16

  /// Throws unless every option is in its range, as one read from a file is: a configuration
  /// made in code has passed no check.
  public func check() throws(ConfigError) {
    guard !blocks.isEmpty else {
      throw ConfigError(
        .inconsistent, "the model has no blocks", place: "blocks", rule: "at least one block")
    }
    guard structures.count <= Self.mostTrials / blocks.count else {
      throw ConfigError(
        .outOfRange, "\(structures.count) rules for \(blocks.count) blocks", place: "structures",
        rule: "rules times blocks are at most \(Self.mostTrials)")
    }
    try checkOrder()
    try checkParts()
    var reader = SettingsReader()
    _ = ModelConfig.read(json, at: "", &reader)
    try reader.finish()
  }

  /// The objectives that an architecture can be trained for.
  private var objectives: [Objective] {
    switch architecture {
    case .decoder: [.causalLanguageModel, .classification]
    case .encoder: [.maskedLanguageModel, .classification]
    case .encoderDecoder: [.spanCorruption]
    }
  }

  /// Throws for parts that are missing, or that nothing would use.
  private func checkParts() throws(ConfigError) {
    guard objectives.contains(objective) else {
      throw ConfigError(
        .inconsistent,
        "the objective '\(objective.rawValue)' for the architecture '\(architecture.rawValue)'",
        place: "objective",
        rule: "one of \(objectives.map(\.rawValue).joined(separator: ", "))")
    }
    let isClassifier = objective == .classification
    let reads = architecture == .encoderDecoder
    let facts: [(part: String, place: String, isThere: Bool, isNeeded: Bool, why: String)] = [
      (
        "output side of classifiers", "classification", classification != nil, isClassifier,
        "the objective 'classification'"
      ),
      (
        "encoder", "encoder_blocks", !encoderBlocks.isEmpty, reads,
        "the architecture 'encoder-decoder'"
      ),
      ("size of patches", "patches", patches != nil, input == .patches, "the input 'patches'"),
    ]
    for fact in facts where fact.isThere != fact.isNeeded {
      throw ConfigError(
        .inconsistent, "there is \(fact.isThere ? "a" : "no") \(fact.part)", place: fact.place,
        rule: "it belongs to \(fact.why), and to that alone")
    }
    guard !isClassifier || (headTransform == nil && !headBias) else {
      throw ConfigError(
        .inconsistent, "a classifier with a head for tokens",
        place: headBias ? "head_bias" : "head_transform", rule: "language models have one")
    }
    guard input == .tokens || (isClassifier && architecture == .encoder) else {
      throw ConfigError(
        .inconsistent, "patches of images for the objective '\(objective.rawValue)'",
        place: "input", rule: "images are classified, by an encoder")
    }
    guard pooling != .first || architecture == .encoder else {
      throw ConfigError(
        .inconsistent, "the first vector of a decoder, which reads no other token",
        place: "classification.pooling", rule: "cls belongs to encoders",
        advice: "a decoder's last vector has read all: last, or mean")
    }
    if let patches { try patches.check(maximumLength: maximumLength, pooling: pooling) }
    for (index, block) in encoderBlocks.enumerated() where block.crossAttention != nil {
      throw ConfigError(
        .inconsistent, "a block of the encoder with cross-attention",
        place: "encoder_blocks[\(index)].cross_attention", rule: "the decoder's blocks have it")
    }
    for (index, block) in blocks.enumerated() where (block.crossAttention != nil) != reads {
      throw ConfigError(
        .inconsistent, "a block \(reads ? "without" : "with") cross-attention",
        place: "blocks[\(index)].cross_attention",
        rule: "every block of an encoder-decoder's decoder has it, others do not")
    }
  }

  /// How a classifier pools; nil for other models.
  var pooling: Pooling? { classification?.pooling }

  private func checkOrder() throws(ConfigError) {
    guard let order else { return }
    guard order.count <= RepeatedBlock.most else {
      throw ConfigError(
        .outOfRange, "\(order.count) uses of blocks", place: "order",
        rule: "at most \(RepeatedBlock.most)")
    }
    if let wrong = order.first(where: { !blocks.indices.contains($0) }) {
      throw ConfigError(
        .inconsistent, "block \(wrong) of \(blocks.count)", place: "order",
        rule: "blocks are numbered from 0 to \(blocks.count - 1)")
    }
    let used = Set(order)
    if let unused = blocks.indices.first(where: { !used.contains($0) }) {
      throw ConfigError(
        .inconsistent, "block \(unused) is never used", place: "order",
        rule: "every block is used at least once")
    }
  }
}
