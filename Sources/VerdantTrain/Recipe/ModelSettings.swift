public import VerdantBase
public import VerdantCore
public import VerdantNN

/// The section `model` of a recipe.
public struct ModelSettings: Knobs {
  /// The name of a feed-forward network in the catalog.
  public struct FeedForwardKind: CatalogName {
    /// The name.
    public let kind: String
    /// A name that is in the catalog.
    public init(known kind: String) { self.kind = kind }
    /// Every name.
    public static var known: [String] { Catalog.feedForwards.map { $0.kind } }

    /// Two maps.
    public static let mlp = FeedForwardKind(known: MLP.kind)
    /// Three maps, one of which gates another.
    public static let gatedMLP = FeedForwardKind(known: GatedMLP.kind)
  }

  /// The folder of a model to go on from, or of a run; nil for a new one.
  public var from: String?
  /// The stacks.
  public var architecture = ModelConfig.Architecture.decoder
  /// Blocks.
  public var layers = 4
  /// Blocks of the encoder in an encoder–decoder; nil for as many.
  public var encoderLayers: Int?
  /// Width of a token.
  public var width = 256
  /// Attention heads.
  public var heads = 4
  /// Key and value heads; nil for as many as heads.
  public var keyHeads: Int?
  /// Tokens that a token sees; nil for all earlier ones.
  public var window: Int?
  /// Longest sequence.
  public var context = 256
  /// Pixels of a patch's side, for images.
  public var patch = 4
  /// How positions are told apart.
  public var positions = EmbeddingConfig.Positions.learned
  /// The base of the angles of rotary positions.
  public var rotaryBase = EmbeddingConfig().rotaryBase
  /// Multiplies the token vectors.
  public var embeddingScale = 1.0
  /// Which normalization.
  public var norm = NormConfig.Kind.layerNorm
  /// How the parts of a block are joined.
  public var arrangement = BlockConfig.Arrangement.preNorm
  /// Which feed-forward networks.
  public var feedForward = FeedForwardKind.mlp
  /// Inner width of the feed-forward networks.
  public var hidden: Int?
  /// Nonlinearity of the feed-forward networks; nil for that of their kind.
  public var activation: Activation?
  /// How outputs are made.
  public var head = ModelConfig.Head.tied
  /// Whether linear maps and norms add biases.
  public var bias = true
  /// Blocks by number in the order of their use; nil for each once.
  public var order: [Int]?
  /// Dropout in training.
  public var dropout = 0.0
  /// How often training leaves out the last block.
  public var stochasticDepth = 0.0
  /// Structures by path.
  public var structures: [StructureRule] = []

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<ModelSettings>] {
    [
      Knob(
        "from", \.from,
        "folder of a model or a run to go on from, whose shape replaces this section but for context and "
          + "structures; null for a new one"),
      Knob("architecture", \.architecture, "the stacks of the model"),
      Knob("layers", \.layers, 1...4096, "blocks; in an encoder-decoder those of the decoder"),
      Knob(
        "encoder_layers", \.encoderLayers, 1...4096,
        "blocks of the encoder in an encoder-decoder; null for as many"),
      Knob("width", \.width, 1...65536, "width of a token"),
      Knob("heads", \.heads, 1...65536, "attention heads; divides the width"),
      Knob(
        "key_heads", \.keyHeads, 1...65536,
        "key and value heads; divides the heads; null for as many"),
      Knob(
        "window", \.window, 1...(1 << 24),
        "tokens that a token sees, itself counted; null for all earlier ones"),
      Knob("context", \.context, 1...(1 << 24), "longest sequence in tokens"),
      Knob("patch", \.patch, 1...4096, "pixels of a patch's side, for images"),
      Knob("positions", \.positions, "how positions are told apart"),
      Knob("rotary_base", \.rotaryBase, 1...1e9, "base of the angles of rotary positions"),
      Knob("embedding_scale", \.embeddingScale, 1e-6...1e6, "factor of the token vectors"),
      Knob("norm", \.norm, "which normalization"),
      Knob("arrangement", \.arrangement, "how the parts of a block are joined"),
      Knob("feed_forward", \.feedForward, "which feed-forward networks"),
      Knob(
        "hidden", \.hidden, 1...(1 << 24),
        "inner width of the feed-forward networks; four times the width by default, 8/3 if gated"),
      Knob(
        "activation", \.activation,
        "nonlinearity of the feed-forward networks; null for gelu, or silu if gated"),
      Knob("head", \.head, "output map: the token vectors or one of its own"),
      Knob("bias", \.bias, "whether linear maps and norms add biases"),
      Knob("order", \.order, "blocks by number in the order of their use; null for each once"),
      Knob("dropout", \.dropout, 0...0.99, "dropout of embeddings, attention and feed-forward"),
      Knob(
        "stochastic_depth", \.stochasticDepth, 0...0.99,
        "how often training leaves out the last block for a sequence; earlier ones less"),
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
    config.embedding.positions = positions
    config.embedding.rotaryBase = rotaryBase
    config.embedding.relativeHeads = heads
    config.embedding.scale = embeddingScale
    config.embedding.dropout = dropout
    var attention = SoftmaxAttention.Options(heads: heads, keyHeads: keyHeads, window: window)
    attention.bias = bias
    attention.dropout = dropout
    let network = networkSpec
    for index in config.blocks.indices {
      config.blocks[index].mixer = Spec(SoftmaxAttention.kind, attention)
      config.blocks[index].feedForward = network
      config.blocks[index].norm.kind = norm
      config.blocks[index].norm.bias = bias
      config.blocks[index].arrangement = arrangement
    }
    config.architecture = architecture
    if architecture == .encoderDecoder, let block = config.blocks.first {
      config.encoderBlocks = Array(repeating: block, count: encoderLayers ?? layers)
      var cross = CrossAttention.Options(heads: heads, keyHeads: keyHeads)
      cross.bias = bias
      cross.dropout = dropout
      for index in config.blocks.indices { config.blocks[index].crossAttention = cross }
    }
    // A post-norm block's output is normalized already.
    config.finalNorm.kind = arrangement == .postNorm ? .none : norm
    config.finalNorm.bias = bias
    config.head = head
    config.order = order
    config.stochasticDepth = stochasticDepth
    return config
  }

  // Every kind's own defaults with what this section says; what a kind does not have, it ignores.
  private var networkSpec: Spec {
    var given: JSONObject = ["bias": .bool(bias), "dropout": .number(dropout)]
    if let hidden { given["hidden"] = .integer(hidden) }
    if let activation { given["activation"] = activation.json }
    func spec<F: FeedForward>(_ type: F.Type) -> Spec {
      var options = F.Options()
      var reader = SettingsReader()
      options.update(from: given, at: "", &reader)
      return Spec(F.kind, options)
    }
    return Catalog.feedForwards.first { $0.kind == feedForward.kind }.map { spec($0) }
      ?? Spec(feedForward.kind, given)
  }

  /// Reports what single options cannot show.
  func check(_ reader: inout SettingsReader) {
    if from == "" {
      reader.report(
        .outOfRange, "no folder is named", at: "model.from",
        rule: "the folder of a model or a run; null for a new one")
    }
    if width % heads != 0 {
      reader.report(
        .inconsistent, "\(heads) heads do not divide the width \(width)",
        at: "model.heads", rule: "the width is a multiple of the heads")
    }
    if encoderLayers != nil && architecture != .encoderDecoder {
      reader.report(
        .inconsistent, "blocks of an encoder for the architecture '\(architecture.rawValue)'",
        at: "model.encoder_layers", rule: "the architecture 'encoder-decoder' has two stacks")
    }
    if let keyHeads, heads % keyHeads != 0 {
      reader.report(
        .inconsistent, "\(keyHeads) key heads do not divide \(heads) heads",
        at: "model.key_heads", rule: "the heads are a multiple of the key heads")
    }
  }
}
