public import VerdantBase
public import VerdantNN
public import VerdantText

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A model on disk: `config.json`, `model.safetensors` and `verdant.json` in this package's own form,
/// or the files of a family of the Hugging Face Hub.
public struct ModelFolder: Sendable {
  /// The value of `model_type` for models of this package's own form.
  public static let modelType = "verdant"

  /// The model with its weights.
  public let model: Transformer
  /// The tokenizer it was trained with.
  public let tokenizer: any Tokenizer
  /// The names of a classifier's classes, by number; nil for language models.
  public let labels: [String]?
  /// Where it came from.
  public let history: [JSONValue]
  /// What was found beside the tensors of the model.
  public let report: LoadReport
  /// What another folder with the model keeps of this one.
  public let origin: ModelOrigin

  /// Loads a model.
  ///
  /// - Throws: ``CheckpointError`` when a file is missing or damaged or the tensors do not fit the
  ///   configuration, with all of them; ``ConfigError`` when the configuration is wrong;
  ///   ``TokenizerError`` when there is no tokenizer that can be read.
  public init(_ path: String) throws {
    let description = try ModelDescription(path)
    origin = ModelOrigin(folder: path, config: description.object)
    history = description.details["history"]?.arrayValue ?? []
    tokenizer = try description.tokenizer()
    try checkVocabulary(description.config, tokenizer, file: path + "/config.json")
    labels = try description.labels()
    (model, report) = try description.load()
  }

  /// Whether the last run that made the model read pairs of texts. A model that tells two texts
  /// apart need not have: BERT's classifiers of single texts can as well.
  public var wasTrainedOnPairs: Bool {
    history.last?["recipe"]?["data"]?["fields"]?["second"]?.stringValue != nil
  }

  /// Loads a model without its tokenizer.
  ///
  /// - Throws: As ``init(_:)``.
  public static func model(_ path: String) throws -> (model: Transformer, report: LoadReport) {
    try ModelDescription(path).load()
  }

  /// The folder of a model: that of a run holds it in `model`.
  public static func resolve(_ path: String) -> String {
    var status = stat()
    let hasConfig = stat(path + "/config.json", &status) == 0
    let inside = stat(path + "/model/config.json", &status) == 0
    return !hasConfig && inside ? path + "/model" : path
  }

  /// The tokenizer alone.
  public static func tokenizer(_ path: String) throws -> any Tokenizer {
    try ModelDescription(path).tokenizer()
  }

  /// The configuration alone.
  public static func config(_ path: String) throws -> ModelConfig {
    try ModelDescription(path, needsDetails: false).config
  }
}
