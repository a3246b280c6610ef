import VerdantBase

/// The families of models that folders can have the form of. A new one adds its line here.
enum Catalog {
  /// The families; where several can express a model the first one is written.
  static let families: [any ModelFamily.Type] = [
    GPT2Family.self, LlamaFamily.self, MistralFamily.self, Qwen2Family.self, BERTFamily.self,
    RoBERTaFamily.self, DistilBERTFamily.self, T5Family.self,
  ]

  /// The family of a value of `model_type`; nil for none of them.
  static func family(_ modelType: String) -> (any ModelFamily.Type)? {
    families.first { $0.modelType == modelType }
  }
}
