public import VerdantBase
public import VerdantCore

/// A Transformer built from its configuration: a value; copies are independent models.
public struct Transformer: Module {
  /// Token and position vectors.
  public var embedding: Embedding
  /// The layers.
  public var blocks: [Block]
  /// After the last layer.
  public var finalNorm: Norm
  /// The output map; nil when the token vectors are used (Press and Wolf 2017).
  public var head: FreeHead?
  /// The configuration it was built from.
  public let config: ModelConfig

  /// Builds a model with initial weights, which depend on the random source and the names alone.
  ///
  /// - Throws: When sizes or kinds do not fit each other.
  public init(
    _ config: ModelConfig, random: RandomSource, on backend: any Backend = CPUBackend.shared
  ) throws(ConfigError) {
    try config.check()
    let depth = config.usedOrder.count
    var make = Maker(
      random: random,
      structures: config.structures,
      residualGain: 1 / (2 * Double(depth)).squareRoot(),
      on: backend
    )
    self.config = config
    let embedding = try make.inside("embedding") { make throws(ConfigError) in
      try Embedding(
        config.embedding, vocabulary: config.vocabulary, width: config.width,
        maximumLength: config.maximumLength, &make)
    }
    self.embedding = embedding
    let size = MixerSize(
      width: config.width, maximumLength: config.maximumLength,
      rotaryBase: embedding.positions.rotaryBase)
    self.blocks = try make.inside("blocks") { make throws(ConfigError) in
      var list: [Block] = []
      for (index, block) in config.blocks.enumerated() {
        list.append(
          try make.inside("\(index)") { make throws(ConfigError) in
            try Block(block, size, &make)
          })
      }
      return list
    }
    finalNorm = make.inside("finalNorm") {
      Norm(config.finalNorm, width: config.width, &$0)
    }
    head =
      config.head == .free
      ? make.inside("head") {
        FreeHead(vocabulary: config.vocabulary, width: config.width, &$0)
      } : nil
    try checkStructures()
    try checkMasks()
  }

  /// Every mixer has to obey the mask of the stack.
  private func checkMasks() throws(ConfigError) {
    for (index, block) in blocks.enumerated() {
      let type = type(of: block.mixer)
      guard type.causality != (config.isCausal ? .bidirectionalOnly : .causalOnly) else {
        throw ConfigError(
          .inconsistent,
          "the token mixer '\(type.kind)' in \(config.isCausal ? "a decoder" : "an encoder")",
          place: "blocks.\(index).mixer",
          rule: "it reads in \(config.isCausal ? "both directions" : "one direction") only")
      }
    }
  }

  /// A rule that matches nothing is a mistake in the configuration.
  private func checkStructures() throws(ConfigError) {
    var finder = LinearPaths()
    var copy = self
    copy.visit(&finder)
    for (index, rule) in config.structures.enumerated()
    where !finder.found.contains(where: { $0.matches(rule.match) }) {
      throw ConfigError(
        .inconsistent,
        "the pattern '\(escaped(rule.match))' matches no linear map",
        place: "structures[\(index)].match",
        rule:
          "linear maps are \(finder.found.prefix(6).map(\.description).joined(separator: ", ")), …"
      )
    }
  }

  /// Shows the parts.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.part("embedding", &embedding)
    visitor.list("blocks", &blocks)
    visitor.part("finalNorm", &finalNorm)
    visitor.optional("head", &head)
  }

  /// The rows whose products with the last vectors are the logits, `[vocabulary, width]`.
  public var outputWeight: Tensor { head?.weight.value ?? embedding.tokens.value }

  /// The vectors after the last normalization.
  ///
  /// - Parameters:
  ///   - tokens: Integers `[batch, length]`, length at most the maximum.
  ///   - lengths: How many tokens of each sequence exist, integers `[batch]`; nil for all. The
  ///     vectors of others mean nothing.
  /// - Returns: `[batch, length, width]`.
  public func hidden(_ tokens: Tensor, lengths: Tensor? = nil, _ context: inout Context) -> Tensor {
    require(
      tokens.shape.rank == 2 && tokens.shape[1] <= config.maximumLength,
      "[transformer] tokens \(tokens.shape), at most \(config.maximumLength) long"
    )
    let mask = Mask(isCausal: config.isCausal, lengths: lengths)
    var x = embedding(tokens, &context)
    context.observer?("embedding", x)
    let order = config.usedOrder
    for (place, index) in order.enumerated() {
      // Huang et al. 2016, equation 4: linear from the input, which is never left out.
      let rate = config.stochasticDepth * Double(place + 1) / Double(order.count)
      x =
        context.checkpointsBlocks
        ? blocks[index].checkpointed(x, mask, leavingOut: rate, &context)
        : blocks[index](x, mask, leavingOut: rate, &context)
      context.observer?("blocks.\(index)", x)
    }
    let output = finalNorm(x, context.precision)
    context.observer?("finalNorm", output)
    return output
  }

  /// Logits `[batch, length, vocabulary]` of integers `[batch, length]`, of which each sequence has
  /// as many as `lengths` `[batch]` says.
  public func callAsFunction(
    _ tokens: Tensor, lengths: Tensor? = nil, _ context: inout Context
  ) -> Tensor {
    affine(hidden(tokens, lengths: lengths, &context), outputWeight, isWide: true)
  }

  /// Mean cross-entropy in nats over the positions whose target is not negative, plus the losses
  /// that parts added to the context. A masked language model has targets at hidden tokens alone.
  ///
  /// - Parameters:
  ///   - tokens: Integers `[batch, length]`.
  ///   - targets: Integers of the same shape; negative ones do not count.
  ///   - lengths: How many tokens of each sequence exist, integers `[batch]`; nil for all.
  /// - Returns: `[1]`.
  public func loss(
    _ tokens: Tensor, targets: Tensor, lengths: Tensor? = nil, _ context: inout Context
  ) -> Tensor {
    let own = linearCrossEntropy(
      hidden(tokens, lengths: lengths, &context), outputWeight, targets: targets,
      smoothing: context.usedSmoothing)
    return context.auxiliary.reduce(own) { $0 + $1.loss }
  }
}

/// Lists the paths of all linear maps.
private struct LinearPaths: Visitor {
  var path = PartPath()
  var found: [PartPath] = []

  mutating func parameter(_ name: String, _ parameter: inout Parameter) {}
  mutating func linear(_ name: String, _ part: inout any LinearMap) {
    found.append(path.appending(name))
  }
}
