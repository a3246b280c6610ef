import VerdantBase
import VerdantCore
import VerdantNN

/// BERT (Devlin et al. 2019): a post-norm encoder with learned positions and kinds of texts.
enum BERTFamily: ModelFamily {
  static let modelType = "bert"
  static let prefix = "bert."
  static let dropoutKeys = (
    own: ["hidden_dropout_prob"], attention: ["attention_probs_dropout_prob"]
  )
  static let unused = [
    "bert.embeddings.position_ids", "cls.seq_relationship.*", "cls.predictions.decoder.*",
    "bert.pooler.dense.*",
  ]

  static func config(_ settings: inout FamilySettings) -> ModelConfig {
    let head = settings.head(
      language: ["BertForMaskedLM", "BertForPreTraining"],
      classifier: "BertForSequenceClassification", none: ["BertModel"], absent: .none)
    var config = PostNormEncoder.config(&settings, head, normEpsilon: 1e-12)
    config.maximumLength = settings.integer("max_position_embeddings", 512)
    config.embedding.segments = settings.integer("type_vocab_size", 2, in: 0...65536)
    return config
  }

  static func json(_ plain: ModelConfig) -> JSONObject? {
    guard var object = PostNormEncoder.json(plain, "Bert") else { return nil }
    object["max_position_embeddings"] = .integer(plain.maximumLength)
    object["type_vocab_size"] = .integer(plain.embedding.segments)
    return object
  }

  static func names(_ config: ModelConfig) -> NameTable {
    var names = NameTable()
    PostNormEncoder.add(to: &names, config, prefix: "bert.", positionRows: 0)
    names.linear("headTransform.map", as: "cls.predictions.transform.dense")
    names.norm("headTransform.norm", as: "cls.predictions.transform.LayerNorm")
    names.add("headBias", as: "cls.predictions.bias", "cls.predictions.decoder.bias")
    names.add("head.weight", as: "cls.predictions.decoder.weight")
    names.linear("pooler", as: "bert.pooler.dense")
    names.linear("classifier", as: "classifier")
    return names
  }
}
