import VerdantBase
import VerdantNN

/// A family of models in the form in which the Hugging Face Hub has them: what its `config.json`
/// means, and how its tensors are called.
protocol ModelFamily: Sendable {
  /// The value of `model_type`.
  static var modelType: String { get }
  /// What stands before the names of the base model's tensors where there is a head.
  static var prefix: String { get }
  /// Tensors that files may hold beside those of the table, as patterns of paths: buffers, copies of
  /// tied tensors, and parts that no output of the model depends on.
  static var unused: [String] { get }
  /// The keys of dropout, and those of dropout of the shares of attention, which has no counterpart
  /// here.
  static var dropoutKeys: (own: [String], attention: [String]) { get }
  /// The model that a `config.json` describes; problems are reported to the settings.
  static func config(_ settings: inout FamilySettings) -> ModelConfig
  /// The keys that describe a model in its plain form, as far as the family can; what it cannot
  /// express shows when they are read again.
  static func json(_ plain: ModelConfig) -> JSONObject?
  /// The names of all tensors; those that a model lacks do not count.
  static func names(_ config: ModelConfig) -> NameTable
}

extension ModelFamily {
  /// The model that a `config.json` describes.
  ///
  /// - Throws: ``ConfigError`` with everything that is wrong or not supported.
  static func config(_ object: JSONObject, file: String?) throws(ConfigError) -> ModelConfig {
    var settings = FamilySettings(object, file: file)
    settings.refuseForeignCode()
    let config = config(&settings)
    try settings.reader.finish()
    return config
  }

  /// The `config.json` of a model; nil when the family cannot express it.
  static func expressed(_ config: ModelConfig) -> JSONObject? {
    guard let plain = config.plain, let object = json(plain),
      let again = try? Self.config(object, file: nil).plain, again == plain
    else { return nil }
    var result: JSONObject = ["model_type": .string(modelType)]
    for (key, value) in object { result[key] = value }
    return result
  }
}

/// What a model of a family gives.
enum FamilyHead: Equatable {
  /// The vectors of tokens.
  case none
  /// Logits of tokens.
  case language
  /// Logits of classes.
  case classifier
}
