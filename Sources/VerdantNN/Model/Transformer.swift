public import VerdantBase
public import VerdantCore

/// A Transformer built from its configuration: a value; copies are independent models.
public struct Transformer: Module {
  /// Token and position vectors.
  public var embedding: Embedding
  /// What an encoder–decoder reads its input with; nil for one stack.
  public var encoder: EncoderStack?
  /// The layers of the stack that gives the outputs.
  public var blocks: [Block]
  /// After the last layer.
  public var finalNorm: Norm
  /// The output map of a language model; nil when the token vectors are used (Press and Wolf 2017).
  public var head: FreeHead?
  /// What the last vectors pass before the logits of tokens.
  public var headTransform: HeadTransform?
  /// Added to the logits of tokens, `[vocabulary]`.
  public var headBias: Parameter?
  /// A map of the pooled vector before the output of a classifier, `width` → `width`.
  public var pooler: (any LinearMap)?
  /// The output map of a classifier, `width` → `classes`; nil for language models.
  public var classifier: (any LinearMap)?
  /// The configuration it was built from.
  public let config: ModelConfig

  /// Builds a model with initial weights, which depend on the random source and the names alone.
  ///
  /// - Throws: When sizes or kinds do not fit each other.
  public init(
    _ config: ModelConfig, random: RandomSource, on backend: any Backend = CPUBackend.shared
  ) throws(ConfigError) {
    try config.check()
    var make = Maker(
      random: random,
      structures: config.structures,
      residualGain: Self.residualGain(depth: config.usedOrder.count),
      on: backend
    )
    self.config = config
    let embedding = try make.inside("embedding") { make throws(ConfigError) in
      try Embedding(config, &make)
    }
    self.embedding = embedding
    if config.architecture == .encoderDecoder {
      let gain = make.residualGain
      encoder = try make.inside("encoder") { make throws(ConfigError) in
        try EncoderStack(config, &make)
      }
      make.residualGain = gain
    }
    blocks = try Self.blocks(config.blocks, config, embedding.positions, &make)
    finalNorm = make.inside("finalNorm") {
      Norm(config.finalNorm, width: config.width, &$0)
    }
    if let classification = config.classification {
      if classification.transform != nil {
        pooler = try make.linear("pooler", config.width, config.width)
      }
      classifier = try make.linear(
        "classifier", config.width, classification.classes, bias: classification.bias)
    } else {
      try makeHead(&make)
    }
    try checkStructures()
    try checkMasks()
  }

  private mutating func makeHead(_ make: inout Maker) throws(ConfigError) {
    if config.head == .free {
      head = make.inside("head") {
        FreeHead(vocabulary: config.vocabulary, width: config.width, &$0)
      }
    }
    if let options = config.headTransform {
      headTransform = try make.inside("headTransform") { make throws(ConfigError) in
        try HeadTransform(options, width: config.width, &make)
      }
    }
    if config.headBias { headBias = make.parameter("headBias", [config.vocabulary], .zeros, .bias) }
  }

  static func residualGain(depth: Int) -> Double { 1 / (2 * Double(depth)).squareRoot() }

  static func blocks(
    _ list: [BlockConfig], _ config: ModelConfig, _ positions: any PositionEncoding,
    _ make: inout Maker
  ) throws(ConfigError) -> [Block] {
    let size = MixerSize(
      width: config.width, maximumLength: config.maximumLength,
      rotaryBase: positions.rotaryBase, rotaryScaling: positions.rotaryScaling,
      biasHeads: positions.biasHeads)
    return try make.inside("blocks") { make throws(ConfigError) in
      var blocks: [Block] = []
      for (index, block) in list.enumerated() {
        blocks.append(
          try make.inside("\(index)") { make throws(ConfigError) in
            try Block(block, size, &make)
          })
      }
      return blocks
    }
  }

  /// Every mixer has to obey the mask of its stack.
  private func checkMasks() throws(ConfigError) {
    try Self.checkMasks(blocks, isCausal: config.isCausal, "blocks")
    if let encoder { try Self.checkMasks(encoder.blocks, isCausal: false, "encoder.blocks") }
  }

  private static func checkMasks(_ blocks: [Block], isCausal: Bool, _ place: String)
    throws(ConfigError)
  {
    for (index, block) in blocks.enumerated() {
      let type = type(of: block.mixer)
      guard type.causality != (isCausal ? .bidirectionalOnly : .causalOnly) else {
        throw ConfigError(
          .inconsistent,
          "the token mixer '\(type.kind)' in \(isCausal ? "a decoder" : "an encoder")",
          place: "\(place).\(index).mixer",
          rule: "it reads in \(isCausal ? "both directions" : "one direction") only")
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
    visitor.optional("encoder", &encoder)
    visitor.list("blocks", &blocks)
    visitor.part("finalNorm", &finalNorm)
    visitor.optional("head", &head)
    visitor.optional("headTransform", &headTransform)
    visitor.optional("headBias", &headBias)
    visitor.optional("pooler", &pooler)
    visitor.optional("classifier", &classifier)
  }

  /// The rows whose products with the last vectors are the logits of tokens, `[vocabulary, width]`.
  public var outputWeight: Tensor {
    guard let weight = head?.weight ?? embedding.tokens else {
      trap("[transformer] a classifier of images has no logits of tokens")
    }
    return weight.value
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
