import VerdantBase
import VerdantCore
import VerdantNN

/// What BERT and the families that follow it have in common.
enum PostNormEncoder {
  /// The parts that differ by family in their keys alone.
  struct Sizes {
    var width: Int
    var heads: Int
    var hidden: Int
    var layers: Int
    var activation: Activation
    var normEpsilon: Double
    var dropout: Double
  }

  /// The model of a `config.json` with BERT's keys, but for lengths and kinds of texts.
  static func config(_ settings: inout FamilySettings, _ head: FamilyHead, normEpsilon: Double)
    -> ModelConfig
  {
    settings.require("position_embedding_type", "absolute", else: "positions are absolute")
    settings.require("is_decoder", false, else: "an encoder")
    settings.require("add_cross_attention", false, else: "an encoder alone")
    let sizes = Sizes(
      width: settings.integer("hidden_size", 768, in: 1...65536),
      heads: settings.integer("num_attention_heads", 12, in: 1...65536),
      hidden: settings.integer("intermediate_size", 3072),
      layers: settings.integer("num_hidden_layers", 12, in: 1...4096),
      activation: settings.activation("hidden_act", "gelu"),
      normEpsilon: settings.epsilon("layer_norm_eps", normEpsilon),
      dropout: settings.dropout("hidden_dropout_prob"))
    var config = config(sizes, head, isTied: settings.bool("tie_word_embeddings", true))
    config.vocabulary = settings.integer("vocab_size", 30522)
    if head == .classifier {
      let dropout = settings.dropout("classifier_dropout", sizes.dropout)
      config.objective = .classification
      config.classification = settings.classification(
        .first, transform: .tanh, bias: true, dropout: dropout)
    }
    return config
  }

  static func config(_ sizes: Sizes, _ head: FamilyHead, isTied: Bool) -> ModelConfig {
    var config = ModelConfig()
    config.architecture = .encoder
    config.objective = .maskedLanguageModel
    config.width = sizes.width
    var block = BlockConfig()
    block.arrangement = .postNorm
    block.norm.epsilon = sizes.normEpsilon
    var mixer = SoftmaxAttention.Options(heads: sizes.heads)
    mixer.dropout = sizes.dropout
    block.mixer = Spec(SoftmaxAttention.kind, mixer)
    var network = MLP.Options()
    network.hidden = sizes.hidden
    network.activation = sizes.activation
    network.dropout = sizes.dropout
    block.feedForward = Spec(MLP.kind, network)
    config.blocks = Array(repeating: block, count: sizes.layers)
    config.embedding.norm = block.norm
    config.embedding.dropout = sizes.dropout
    config.finalNorm = NormConfig(.none)
    if head == .language {
      var transform = HeadTransform.Options()
      transform.activation = sizes.activation
      transform.norm = block.norm
      config.headTransform = transform
      config.headBias = true
      config.head = isTied ? .tied : .free
    }
    return config
  }

  /// The `config.json` of a model with BERT's keys.
  static func json(_ plain: ModelConfig, _ name: String) -> JSONObject? {
    guard let block = plain.blocks.first, let mixer = block.softmaxAttention,
      let network = block.mlp
    else { return nil }
    var object: JSONObject = [
      "architectures": [.string(name + suffix(plain))],
      "vocab_size": .integer(plain.vocabulary), "hidden_size": .integer(plain.width),
      "num_hidden_layers": .integer(plain.blocks.count),
      "num_attention_heads": .integer(mixer.heads),
      "intermediate_size": network.hidden.map { .integer($0) } ?? .null,
      "hidden_act": .string(network.activation.huggingFace),
      "layer_norm_eps": .number(block.norm.epsilon),
      "tie_word_embeddings": .bool(plain.head == .tied),
    ]
    if let classes = plain.classification?.classes { object["num_labels"] = .integer(classes) }
    return object
  }

  /// What the name of the architecture ends with.
  static func suffix(_ config: ModelConfig) -> String {
    if config.objective == .classification { return "ForSequenceClassification" }
    return config.headTransform == nil ? "Model" : "ForMaskedLM"
  }

  /// The names of BERT's tensors, but for heads.
  ///
  /// - Parameter positionRows: Rows in front of the table of positions that no token reads.
  static func add(
    to names: inout NameTable, _ config: ModelConfig, prefix: String, positionRows: Int
  ) {
    let embeddings = "\(prefix)embeddings"
    names.add("embedding.tokens", as: "\(embeddings).word_embeddings.weight")
    names.add(
      "embedding.positions", as: "\(embeddings).position_embeddings.weight",
      form: positionRows == 0 ? .same : .after(rows: positionRows))
    names.add("embedding.segments", as: "\(embeddings).token_type_embeddings.weight")
    names.norm("embedding.norm", as: "\(embeddings).LayerNorm")
    for index in config.blocks.indices {
      let (own, foreign) = ("blocks.\(index)", "\(prefix)encoder.layer.\(index)")
      for part in ["query", "key", "value"] {
        names.linear("\(own).mixer.\(part)", as: "\(foreign).attention.self.\(part)")
      }
      names.linear("\(own).mixer.output", as: "\(foreign).attention.output.dense")
      names.norm("\(own).mixerNorm", as: "\(foreign).attention.output.LayerNorm")
      names.linear("\(own).feedForward.up", as: "\(foreign).intermediate.dense")
      names.linear("\(own).feedForward.down", as: "\(foreign).output.dense")
      names.norm("\(own).feedForwardNorm", as: "\(foreign).output.LayerNorm")
    }
  }
}
