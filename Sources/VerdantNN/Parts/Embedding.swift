public import VerdantBase
public import VerdantCore

/// Settings of the input side.
public struct EmbeddingConfig: Knobs {
  /// The name of a position encoding in the catalog.
  public struct Positions: CatalogName {
    /// The name.
    public let kind: String
    /// A name that is in the catalog.
    public init(known kind: String) { self.kind = kind }
    /// Every name.
    public static var known: [String] { Catalog.positions.map { $0.kind } }

    /// A trained vector for each position (GPT-2).
    public static let learned = Positions(known: LearnedPositions.kind)
    /// Sines and cosines (Vaswani et al. 2017).
    public static let sinusoidal = Positions(known: SinusoidalPositions.kind)
    /// Turned queries and keys (Su et al. 2021).
    public static let rotary = Positions(known: RotaryPositions.kind)
    /// A bias of scores by distance (Raffel et al. 2020).
    public static let relative = Positions(known: RelativePositions.kind)
    /// Not at all.
    public static let none = Positions(known: NoPositions.kind)
  }

  /// How positions are told apart.
  public var positions = Positions.learned
  /// The base of the angles of rotary positions.
  public var rotaryBase = 10_000.0
  /// How those angles change for long sequences; nil for not at all.
  public var rotaryScaling: RotaryScaling?
  /// The heads of relative positions, those of every mixer.
  public var relativeHeads = 4
  /// The buckets of distances of relative positions.
  public var relativeBuckets = 32
  /// The distance from which on relative positions share a bucket.
  public var relativeDistance = 128
  /// Kinds of texts that a vector tells apart, such as the two of a pair; 0 for none.
  public var segments = 0
  /// The normalization of the sum; nil for none (BERT has one).
  public var norm: NormConfig?
  /// Multiplies the token vectors; the square root of the width in Vaswani et al. 2017.
  public var scale = 1.0
  /// Dropout of the sum in training.
  public var dropout = 0.0

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<EmbeddingConfig>] {
    [
      Knob("positions", \.positions, "how positions are told apart"),
      Knob("rotary_base", \.rotaryBase, 1...1e9, "base of the angles of rotary positions"),
      Knob(
        "rotary_scaling", \.rotaryScaling,
        "how those angles change for long sequences; null for not at all"),
      Knob(
        "relative_heads", \.relativeHeads, 1...65536,
        "heads of relative positions, those of every mixer"),
      Knob(
        "relative_buckets", \.relativeBuckets, 4...65536,
        "buckets of distances of relative positions"),
      Knob(
        "relative_distance", \.relativeDistance, 2...(1 << 24),
        "distance from which on relative positions share a bucket"),
      Knob("segments", \.segments, 0...65536, "kinds of texts told apart, as in pairs; 0 for none"),
      Knob("norm", \.norm, "normalization of the sum; null for none"),
      Knob("scale", \.scale, 1e-6...1e6, "factor of the token vectors"),
      Knob("dropout", \.dropout, 0...0.99, "dropout of the embeddings in training"),
    ]
  }
}

/// Token and position vectors: integers `[batch, length]`, or patches `[batch, length, numbers]`, →
/// `[batch, length, width]`, with a vector in front where a class token is read.
public struct Embedding: Module {
  /// `[vocabulary, width]`; nil for patches.
  public var tokens: Parameter?
  /// `numbers` → `width`; nil for tokens.
  public var patches: (any LinearMap)?
  /// What stands in front of patches, `[1, width]`, when the first vector stands for the image.
  public var classToken: Parameter?
  /// A vector for each kind of text, `[segments, width]`.
  public var segments: Parameter?
  /// What tells positions apart.
  public var positions: any PositionEncoding
  /// Of the sum.
  public var norm: Norm?
  /// The settings.
  public let config: EmbeddingConfig

  /// Normal initial vectors with deviation 0.02 (GPT-2).
  public init(_ model: ModelConfig, _ make: inout Maker) throws(ConfigError) {
    let (config, width) = (model.embedding, model.width)
    self.config = config
    if let size = model.patches {
      patches = try make.linear("patches", size.numbers, width)
      classToken =
        model.pooling == .first
        ? make.parameter("classToken", [1, width], .normal(deviation: 0.02), .embedding) : nil
    } else {
      tokens = make.parameter(
        "tokens", [model.vocabulary, width], .normal(deviation: 0.02), .embedding)
    }
    if config.segments > 0 {
      segments = make.parameter(
        "segments", [config.segments, width], .normal(deviation: 0.02), .embedding)
    }
    positions = try Catalog.positions(config.positions).init(
      config, width: width, maximumLength: model.maximumLength, &make)
    norm = config.norm.map { config in
      make.inside("norm") { Norm(config, width: width, &$0) }
    }
  }

  /// Shows the tables.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.optional("tokens", &tokens)
    visitor.optional("patches", &patches)
    visitor.optional("classToken", &classToken)
    visitor.optional("segments", &segments)
    positions.visit(&visitor)
    visitor.optional("norm", &norm)
  }

  /// The vectors of tokens or patches whose first one stands at `start`.
  ///
  /// - Parameters:
  ///   - segments: The kind of text of each token, integers `[batch, length]`; nil for 0.
  ///   - positions: What tells positions apart in another stack than the one of the outputs.
  public func callAsFunction(
    _ input: Tensor, segments kinds: Tensor? = nil,
    placedBy positions: (any PositionEncoding)? = nil,
    from start: Int = 0, _ context: inout Context
  ) -> Tensor {
    var x: Tensor
    if let tokens {
      x = gatherRows(tokens.value, input)
    } else if let patches {
      x = patches(input, &context)
      if let classToken {
        let (batch, width) = (input.shape[0], classToken.value.shape[1])
        let first =
          Tensor.zeros([1, batch, width], on: x.backend)
          + classToken.value.reshaped(to: [1, 1, width])
        x = Tensor.concatenated([first, x.permuted(1, 0, 2)]).permuted(1, 0, 2)
      }
    } else {
      trap("[embedding] neither tokens nor patches")
    }
    if config.scale != 1 { x = x * config.scale }
    if let segments {
      // One kind is every text's, also of both texts of a pair.
      let kinds = segments.value.shape[0] > 1 ? kinds : nil
      let none = Tensor(
        integers: [Int32](repeating: 0, count: x.shape[0] * x.shape[1]),
        [x.shape[0], x.shape[1]], on: x.backend)
      x = x + gatherRows(segments.value, kinds ?? none)
    }
    x = (positions ?? self.positions).added(to: x, from: start)
    return context.dropout(norm.map { $0(x) } ?? x, rate: config.dropout)
  }
}
