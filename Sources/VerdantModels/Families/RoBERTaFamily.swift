import VerdantBase
import VerdantCore
import VerdantNN

/// RoBERTa (Liu et al. 2019): BERT whose positions are counted from behind the number of the padding
/// token, so that the first rows of their table are read by padding alone.
enum RoBERTaFamily: ModelFamily {
  static let modelType = "roberta"
  static let prefix = "roberta."
  static let dropoutKeys = (
    own: ["hidden_dropout_prob"], attention: ["attention_probs_dropout_prob"]
  )
  static let unused = [
    "roberta.embeddings.position_ids", "lm_head.decoder.*", "roberta.pooler.dense.*",
  ]

  /// Rows of the table of positions that no token reads, with the padding token of all models.
  private static let unreadRows = 2

  static func config(_ settings: inout FamilySettings) -> ModelConfig {
    settings.require("pad_token_id", 1, else: "the padding token is number 1")
    let head = settings.head(
      language: ["RobertaForMaskedLM"], classifier: "RobertaForSequenceClassification",
      none: ["RobertaModel"], absent: .none)
    var config = PostNormEncoder.config(&settings, head, normEpsilon: 1e-12)
    let rows = settings.integer("max_position_embeddings", 512, in: 3...(1 << 24))
    config.maximumLength = rows - unreadRows
    config.embedding.segments = settings.integer("type_vocab_size", 2, in: 0...65536)
    return config
  }

  static func json(_ plain: ModelConfig) -> JSONObject? {
    guard var object = PostNormEncoder.json(plain, "Roberta") else { return nil }
    object["max_position_embeddings"] = .integer(plain.maximumLength + unreadRows)
    object["type_vocab_size"] = .integer(plain.embedding.segments)
    object["pad_token_id"] = 1
    return object
  }

  static func names(_ config: ModelConfig) -> NameTable {
    var names = NameTable()
    PostNormEncoder.add(to: &names, config, prefix: "roberta.", positionRows: unreadRows)
    names.linear("headTransform.map", as: "lm_head.dense")
    names.norm("headTransform.norm", as: "lm_head.layer_norm")
    names.add("headBias", as: "lm_head.bias", "lm_head.decoder.bias")
    names.add("head.weight", as: "lm_head.decoder.weight")
    names.linear("pooler", as: "classifier.dense")
    names.linear("classifier", as: "classifier.out_proj")
    return names
  }
}
