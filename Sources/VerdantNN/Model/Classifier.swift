public import VerdantBase
public import VerdantCore

/// Everything that fixes a classifier's shape.
public struct ClassifierConfig: Knobs {
  /// The body.
  public var model = ModelConfig()
  /// Classes.
  public var classes = 2
  /// How the vectors of a sequence become one.
  public var pooling = Pooling.mean
  /// Dropout of the pooled vector in training.
  public var dropout = 0.0

  /// A body without blocks.
  public init() {}
  /// Settings for a body.
  public init(_ model: ModelConfig, classes: Int, pooling: Pooling = .mean, dropout: Double = 0) {
    self.model = model
    self.classes = classes
    self.pooling = pooling
    self.dropout = dropout
  }

  /// The declared options.
  public static var knobs: [Knob<ClassifierConfig>] {
    [
      Knob("model", \.model, "the body"),
      Knob("classes", \.classes, 2...(1 << 20), "classes"),
      Knob("pooling", \.pooling, "how the vectors of a sequence become one"),
      Knob("dropout", \.dropout, 0...0.99, "dropout of the pooled vector in training"),
    ]
  }
}

/// A Transformer that gives a sequence one of several classes: body, pooling, linear map.
public struct Classifier: Module {
  /// The body; its output map, if it has one of its own, is not used.
  public var body: Transformer
  /// `width` → `classes`.
  public var output: any LinearMap
  /// The configuration it was built from.
  public let config: ClassifierConfig

  /// Builds a classifier with initial weights; the body's are those of the same Transformer alone.
  ///
  /// - Throws: When sizes or kinds do not fit each other.
  public init(
    _ config: ClassifierConfig, random: RandomSource, on backend: any Backend = CPUBackend.shared
  ) throws(ConfigError) {
    try config.check()
    self.config = config
    body = try Transformer(config.model, random: random, on: backend)
    var make = Maker(random: random, on: backend)
    output = try make.linear("output", config.model.width, config.classes)
  }

  /// Shows body and output.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.part("body", &body)
    visitor.linear("output", &output)
  }

  /// Logits `[batch, classes]`.
  ///
  /// - Parameters:
  ///   - tokens: Integers `[batch, length]`.
  ///   - lengths: How many tokens of each sequence exist, integers `[batch]`; nil for all.
  public func callAsFunction(
    _ tokens: Tensor, lengths: Tensor? = nil, _ context: inout Context
  ) -> Tensor {
    let pooled = config.pooling(body.hidden(tokens, lengths: lengths, &context), lengths: lengths)
    // So small a product is not worth the rounding to bf16.
    var exact = context
    exact.precision = .float32
    let logits = output(exact.dropout(pooled, rate: config.dropout), &exact)
    exact.precision = context.precision
    context = exact
    return logits
  }

  /// Mean cross-entropy in nats over the sequences whose class is not negative, plus the losses that
  /// parts added to the context.
  ///
  /// - Parameters:
  ///   - tokens: Integers `[batch, length]`.
  ///   - classes: Integers `[batch]`; negative ones do not count.
  ///   - lengths: How many tokens of each sequence exist, integers `[batch]`; nil for all.
  /// - Returns: `[1]`.
  public func loss(
    _ tokens: Tensor, classes: Tensor, lengths: Tensor? = nil, _ context: inout Context
  ) -> Tensor {
    let own = crossEntropy(self(tokens, lengths: lengths, &context), targets: classes)
    return context.auxiliary.reduce(own) { $0 + $1.loss }
  }
}

extension ClassifierConfig {
  /// Throws unless every option is in its range.
  public func check() throws(ConfigError) {
    var reader = SettingsReader()
    _ = ClassifierConfig.read(json, at: "", &reader)
    try reader.finish()
  }
}
