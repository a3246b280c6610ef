import VerdantBase
import VerdantCore
import VerdantNN

/// DistilBERT (Sanh et al. 2019): BERT with half of its layers, without kinds of texts.
enum DistilBERTFamily: ModelFamily {
  static let modelType = "distilbert"
  static let prefix = "distilbert."
  static let dropoutKeys = (own: ["dropout"], attention: ["attention_dropout"])
  static let unused = ["distilbert.embeddings.position_ids", "vocab_projector.weight"]

  /// The models have no key for it.
  private static let normEpsilon = 1e-12

  static func config(_ settings: inout FamilySettings) -> ModelConfig {
    let head = settings.head(
      language: ["DistilBertForMaskedLM"], classifier: "DistilBertForSequenceClassification",
      none: ["DistilBertModel"], absent: .none)
    let sizes = PostNormEncoder.Sizes(
      width: settings.integer("dim", 768, in: 1...65536),
      heads: settings.integer("n_heads", 12, in: 1...65536),
      hidden: settings.integer("hidden_dim", 3072),
      layers: settings.integer("n_layers", 6, in: 1...4096),
      activation: settings.activation("activation", "gelu"), normEpsilon: normEpsilon,
      dropout: settings.dropout("dropout"))
    var config = PostNormEncoder.config(
      sizes, head, isTied: settings.bool("tie_word_embeddings", true))
    config.vocabulary = settings.integer("vocab_size", 30522)
    config.maximumLength = settings.integer("max_position_embeddings", 512)
    if head == .classifier {
      let dropout = settings.dropout("seq_classif_dropout", 0.2)
      config.objective = .classification
      config.classification = settings.classification(
        .first, transform: .relu, bias: true, dropout: dropout)
    }
    return config
  }

  static func json(_ plain: ModelConfig) -> JSONObject? {
    guard let block = plain.blocks.first, let mixer = block.softmaxAttention,
      let network = block.mlp
    else { return nil }
    var object: JSONObject = [
      "architectures": [.string("DistilBert" + PostNormEncoder.suffix(plain))],
      "vocab_size": .integer(plain.vocabulary), "dim": .integer(plain.width),
      "n_layers": .integer(plain.blocks.count), "n_heads": .integer(mixer.heads),
      "hidden_dim": network.hidden.map { .integer($0) } ?? .null,
      "activation": .string(network.activation.huggingFace),
      "max_position_embeddings": .integer(plain.maximumLength),
      "tie_word_embeddings": .bool(plain.head == .tied),
    ]
    if let classes = plain.classification?.classes { object["num_labels"] = .integer(classes) }
    return object
  }

  static func names(_ config: ModelConfig) -> NameTable {
    var names = NameTable()
    let embeddings = "distilbert.embeddings"
    names.add("embedding.tokens", as: "\(embeddings).word_embeddings.weight")
    names.add("embedding.positions", as: "\(embeddings).position_embeddings.weight")
    names.norm("embedding.norm", as: "\(embeddings).LayerNorm")
    for index in config.blocks.indices {
      let (own, foreign) = ("blocks.\(index)", "distilbert.transformer.layer.\(index)")
      for (part, name) in [("query", "q"), ("key", "k"), ("value", "v"), ("output", "out")] {
        names.linear("\(own).mixer.\(part)", as: "\(foreign).attention.\(name)_lin")
      }
      names.norm("\(own).mixerNorm", as: "\(foreign).sa_layer_norm")
      names.linear("\(own).feedForward.up", as: "\(foreign).ffn.lin1")
      names.linear("\(own).feedForward.down", as: "\(foreign).ffn.lin2")
      names.norm("\(own).feedForwardNorm", as: "\(foreign).output_layer_norm")
    }
    names.linear("headTransform.map", as: "vocab_transform")
    names.norm("headTransform.norm", as: "vocab_layer_norm")
    names.add("headBias", as: "vocab_projector.bias")
    names.add("head.weight", as: "vocab_projector.weight")
    names.linear("pooler", as: "pre_classifier")
    names.linear("classifier", as: "classifier")
    return names
  }
}
