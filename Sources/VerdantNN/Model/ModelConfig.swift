public import VerdantBase

/// Everything that fixes a model's shape. Written to `config.json`; a model builds from it alone.
public struct ModelConfig: Knobs {
  /// The stacks that a model has.
  public enum Architecture: String, KnobValue, CaseIterable {
    /// One causal stack.
    case decoder
    /// One stack whose tokens read in both directions.
    case encoder
    /// An encoder, and a causal stack that reads what it gives (Vaswani et al. 2017).
    case encoderDecoder = "encoder-decoder"
  }
  /// What the model reads.
  public enum Input: String, KnobValue, CaseIterable {
    /// Token ids.
    case tokens
    /// Pieces of an image, as numbers (Dosovitskiy et al. 2021).
    case patches
  }
  /// What the model is trained for.
  public enum Objective: String, KnobValue, CaseIterable {
    /// The next token.
    case causalLanguageModel = "causal-lm"
    /// Hidden tokens, from those around them (Devlin et al. 2019).
    case maskedLanguageModel = "masked-lm"
    /// Hidden spans, written by a decoder (Raffel et al. 2020).
    case spanCorruption = "span-corruption"
    /// The class of a sequence.
    case classification
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
  /// The pieces of images; nil for tokens.
  public var patches: PatchConfig?
  /// The blocks of the encoder of an encoder–decoder; empty in others.
  public var encoderBlocks: [BlockConfig] = []
  /// One entry for each block of the stack that gives the outputs.
  public var blocks: [BlockConfig] = []
  /// The blocks by number in the order of their use; nil for each once. A block that is used again
  /// has the same parameters (Dehghani et al. 2019; Lan et al. 2020).
  public var order: [Int]?
  /// How often training leaves out the last block for a sequence (Huang et al. 2016); earlier ones
  /// less, in proportion to their place.
  public var stochasticDepth = 0.0
  /// The normalization after the last block.
  public var finalNorm = NormConfig()
  /// Multiplies the last vectors before the logits; the root of one over the width in T5 (Raffel et
  /// al. 2020) with a tied head.
  public var logitScale = 1.0
  /// The output side of language models.
  public var head = Head.tied
  /// What the last vectors of a language model pass before the logits; nil for nothing.
  public var headTransform: HeadTransform.Options?
  /// True when the logits of each token have a bias.
  public var headBias = false
  /// The output side of classifiers; nil for others.
  public var classification: ClassificationConfig?
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
      Knob("patches", \.patches, "the pieces of images; null for tokens"),
      Knob(
        "encoder_blocks", \.packedEncoderBlocks,
        "the encoder's blocks in an encoder-decoder, packed like 'blocks'"),
      Knob("blocks", \.packedBlocks, "the blocks, equal neighbours with a repeat count"),
      Knob("order", \.order, "blocks by number in the order of their use; null for each once"),
      Knob(
        "stochastic_depth", \.stochasticDepth, 0...0.99,
        "how often training leaves out the last block for a sequence; earlier ones less"),
      Knob("final_norm", \.finalNorm, "normalization after the last block"),
      Knob("logit_scale", \.logitScale, 1e-6...1e6, "factor of the last vectors"),
      Knob("head", \.head, "how the logits of tokens are made"),
      Knob(
        "head_transform", \.headTransform,
        "map and normalization before the logits of tokens; null for none"),
      Knob("head_bias", \.headBias, "whether the logits of tokens have a bias"),
      Knob("classification", \.classification, "the output side of classifiers; null for others"),
      Knob("structures", \.structures, "structures of linear maps by path, first match counts"),
    ]
  }

  /// True when a token of the stack that gives the outputs reads from itself and earlier ones alone.
  public var isCausal: Bool { architecture != .encoder }

  /// The blocks by number in the order of their use.
  public var usedOrder: [Int] { order ?? Array(blocks.indices) }

  /// The encoder's blocks with equal neighbours joined.
  var packedEncoderBlocks: RepeatedBlocks {
    get { RepeatedBlocks(encoderBlocks) }
    set { encoderBlocks = newValue.blocks }
  }

  /// The blocks with equal neighbours joined.
  var packedBlocks: RepeatedBlocks {
    get { RepeatedBlocks(blocks) }
    set { blocks = newValue.blocks }
  }
}
