public import VerdantBase

/// Everything that fixes a model's shape. Written to `config.json`; a model builds from it alone.
public struct ModelConfig: Knobs {
  /// The stacks that a model has.
  public enum Architecture: String, KnobValue, CaseIterable {
    /// One causal stack.
    case decoder
    /// One stack whose tokens read in both directions.
    case encoder
  }
  /// What the model reads.
  public enum Input: String, KnobValue, CaseIterable {
    /// Token ids.
    case tokens
  }
  /// What the model is trained for.
  public enum Objective: String, KnobValue, CaseIterable {
    /// The next token.
    case causalLanguageModel = "causal-lm"
    /// Hidden tokens, from those around them (Devlin et al. 2019).
    case maskedLanguageModel = "masked-lm"
  }
  /// How outputs are made from the last vectors.
  public enum Head: String, KnobValue, CaseIterable {
    /// Logits by the token vectors themselves (Press and Wolf 2017).
    case tied
    /// Logits by a map of its own.
    case free
  }

  /// The version of this form.
  public var format = 1
  /// The stacks.
  public var architecture = Architecture.decoder
  /// What the model reads.
  public var input = Input.tokens
  /// What it is trained for.
  public var objective = Objective.causalLanguageModel
  /// Token ids are below this.
  public var vocabulary = 257
  /// The width of a token.
  public var width = 256
  /// The longest sequence.
  public var maximumLength = 256
  /// The input side.
  public var embedding = EmbeddingConfig()
  /// One entry for each block.
  public var blocks: [BlockConfig] = []
  /// The blocks by number in the order of their use; nil for each once. A block that is used again
  /// has the same parameters (Dehghani et al. 2019; Lan et al. 2020).
  public var order: [Int]?
  /// How often training leaves out the last block for a sequence (Huang et al. 2016); earlier ones
  /// less, in proportion to their place.
  public var stochasticDepth = 0.0
  /// The normalization after the last block.
  public var finalNorm = NormConfig()
  /// The output side.
  public var head = Head.tied
  /// Structures of linear maps by path; the first match counts, dense otherwise.
  public var structures: [StructureRule] = []

  /// A model without blocks.
  public init() {}

  /// A decoder of equal blocks: pre-norm, learned positions, GELU, tied head (GPT-2).
  public init(
    blocks: Int, width: Int, heads: Int, maximumLength: Int, vocabulary: Int = 257,
    structures: [StructureRule] = []
  ) {
    self.vocabulary = vocabulary
    self.width = width
    self.maximumLength = maximumLength
    self.structures = structures
    var block = BlockConfig()
    block.mixer = Spec(SoftmaxAttention.kind, SoftmaxAttention.Options(heads: heads))
    self.blocks = Array(repeating: block, count: blocks)
  }

  /// The declared options.
  public static var knobs: [Knob<ModelConfig>] {
    [
      Knob("format", \.format, 1...1, "version of this form"),
      Knob("architecture", \.architecture, "the stacks of the model"),
      Knob("input", \.input, "what the model reads"),
      Knob("objective", \.objective, "what the model is trained for"),
      Knob("vocabulary", \.vocabulary, 1...Limits.standard.vocabulary, "token ids are below it"),
      Knob("width", \.width, 1...65536, "width of a token"),
      Knob("maximum_length", \.maximumLength, 1...(1 << 24), "longest sequence in tokens"),
      Knob("embedding", \.embedding, "the input side"),
      Knob("blocks", \.packedBlocks, "the blocks, equal neighbours with a repeat count"),
      Knob("order", \.order, "blocks by number in the order of their use; null for each once"),
      Knob(
        "stochastic_depth", \.stochasticDepth, 0...0.99,
        "how often training leaves out the last block for a sequence; earlier ones less"),
      Knob("final_norm", \.finalNorm, "normalization after the last block"),
      Knob("head", \.head, "how outputs are made"),
      Knob("structures", \.structures, "structures of linear maps by path, first match counts"),
    ]
  }

  /// True when a token reads from itself and earlier ones alone.
  public var isCausal: Bool { architecture == .decoder }

  /// The blocks by number in the order of their use.
  public var usedOrder: [Int] { order ?? Array(blocks.indices) }

  /// The blocks with equal neighbours joined.
  var packedBlocks: RepeatedBlocks {
    get { RepeatedBlocks(blocks) }
    set { blocks = newValue.blocks }
  }
}

/// Settings of one block.
public struct BlockConfig: Knobs {
  /// How the parts of a block are joined.
  public enum Arrangement: String, KnobValue, CaseIterable {
    /// Normalize, transform, add: `x + f(norm(x))` (GPT-2).
    case preNorm = "pre-norm"
    /// Transform, add, normalize: `norm(x + f(x))` (Vaswani et al. 2017).
    case postNorm = "post-norm"
    /// One normalization for both parts: `x + mixer(norm(x)) + feedForward(norm(x))` (GPT-J; PaLM,
    /// Chowdhery et al. 2022, section 2).
    case parallel
  }

  /// Which token mixer.
  public var mixer = Spec(SoftmaxAttention.kind)
  /// Which feed-forward network.
  public var feedForward = Spec(MLP.kind)
  /// Which normalization.
  public var norm = NormConfig()
  /// How the parts are joined.
  public var arrangement = Arrangement.preNorm

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<BlockConfig>] {
    [
      Knob("mixer", \.mixer, "the token mixer"),
      Knob("feed_forward", \.feedForward, "the feed-forward network"),
      Knob("norm", \.norm, "the normalization"),
      Knob("arrangement", \.arrangement, "how the parts are joined"),
    ]
  }
}

/// A list of blocks, written with equal neighbours joined.
struct RepeatedBlocks: KnobValue {
  let blocks: [BlockConfig]

  init(_ blocks: [BlockConfig]) { self.blocks = blocks }

  static var expectation: String { [RepeatedBlock].expectation }

  static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> RepeatedBlocks?
  {
    guard let parts = [RepeatedBlock].read(json, at: path, &reader) else { return nil }
    let count = parts.reduce(0) { $0 + $1.count }
    guard count <= RepeatedBlock.most else {
      reader.report(
        .outOfRange, "\(count) blocks", at: path, rule: "at most \(RepeatedBlock.most)")
      return nil
    }
    return RepeatedBlocks(parts.flatMap { Array(repeating: $0.block, count: $0.count) })
  }

  var json: JSONValue {
    let parts: [RepeatedBlock] = blocks.reduce(into: []) { list, block in
      if let last = list.last, last.block == block {
        list[list.count - 1].count += 1
      } else {
        list.append(RepeatedBlock(count: 1, block: block))
      }
    }
    return parts.json
  }
}

/// A block's settings and how often it follows itself.
struct RepeatedBlock: KnobValue {
  var count: Int
  var block: BlockConfig

  static var expectation: String { "a block, with an optional key 'repeat'" }

  /// More blocks than any model has; a limit against hostile files.
  static let most = 4096

  static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> RepeatedBlock?
  {
    guard let object = reader.object(json, at: path) else { return nil }
    var value = RepeatedBlock(count: 1, block: BlockConfig())
    if let count = object["repeat"] {
      guard let number = reader.integer(count, in: 1...most, at: reader.join(path, "repeat"))
      else { return nil }
      value.count = number
    }
    value.block.update(from: object, at: path, ignoring: ["repeat"], &reader)
    return value
  }

  var json: JSONValue {
    guard count > 1 else { return block.json }
    var object = JSONObject()
    object["repeat"] = .integer(count)
    for (key, value) in block.json.objectValue ?? JSONObject() { object[key] = value }
    return .object(object)
  }
}
