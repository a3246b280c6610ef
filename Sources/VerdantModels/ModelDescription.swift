import VerdantBase
import VerdantCore
import VerdantIO
import VerdantNN
import VerdantText

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What the small files of a model folder say.
struct ModelDescription {
  let path: String
  /// The content of `config.json`.
  let object: JSONObject
  /// The content of `verdant.json`; empty where a family's folder has none.
  let details: JSONObject
  /// The family whose form the folder has; nil for this package's own.
  let family: (any ModelFamily.Type)?
  let config: ModelConfig

  /// Reads the files.
  ///
  /// - Parameter needsDetails: False when the configuration alone is asked for.
  init(_ path: String, needsDetails: Bool = true) throws {
    self.path = path
    let file = try modelFile(path, "config.json")
    guard let object = try Self.read(file).objectValue else {
      throw ConfigError(.wrongType, "the file holds no object", file: file)
    }
    self.object = object
    let type = object["model_type"]?.stringValue
    let family = type.flatMap { Catalog.family($0) }
    self.family = family
    guard type == ModelFolder.modelType || family != nil else {
      let known = [ModelFolder.modelType] + ModelForm.families
      throw ConfigError(
        .unsupported,
        type.map { "unknown model type '\(escaped($0))'" } ?? "no model type is given",
        file: file, place: "model_type", rule: "one of \(known.joined(separator: ", "))")
    }
    details = try Self.details(path, isNeeded: family == nil && needsDetails)
    guard let family else {
      config = try Self.own(object, ignoring: ["model_type"], file)
      return
    }
    let foreign = try family.config(object, file: file)
    config = Self.restored(details["config"]?.objectValue, foreign)
  }

  /// What a family's `config.json` has no words for, as dropout: the own configuration, unless the
  /// other has been changed since.
  private static func restored(_ object: JSONObject?, _ foreign: ModelConfig) -> ModelConfig {
    guard let object, let own = try? own(object, ignoring: [], ""), own.plain == foreign.plain
    else { return foreign }
    return own
  }

  private static func own(_ object: JSONObject, ignoring: Set<String>, _ file: String)
    throws(ConfigError) -> ModelConfig
  {
    var config = ModelConfig()
    var reader = SettingsReader(file: file)
    config.update(from: object, at: "", ignoring: ignoring, &reader)
    try reader.finish()
    return config
  }

  private static func details(_ path: String, isNeeded: Bool) throws -> JSONObject {
    var status = stat()
    guard isNeeded || lstat("\(path)/verdant.json", &status) == 0 else { return JSONObject() }
    let file = try modelFile(path, "verdant.json")
    guard let object = try read(file).objectValue else {
      guard isNeeded else {
        throw ConfigError(.wrongType, "the file holds no object", file: file)
      }
      return JSONObject()
    }
    return object
  }

  static func read(_ path: String) throws -> JSONValue {
    do {
      return try JSONValue(
        parsing: readFile(path, limit: Limits.standard.configBytes, followsLinks: false), file: path
      )
    } catch let error as FileError where error.kind == .missing {
      throw CheckpointError(
        .missingFile, "no such file", file: path,
        advice: "a model folder holds config.json, model.safetensors and verdant.json, "
          + "or the files of a Hugging Face model")
    }
  }

  /// The model with its weights.
  func load() throws -> (Transformer, LoadReport) {
    let files = try WeightFiles(path)
    guard let family else {
      let shapes = try Transformer(config, random: RandomSource(seed: 0), on: ShapeBackend())
      var loader = WeightLoader(files, shapes)
      return (try loader.load(config), loader.report)
    }
    var loader = try WeightLoader(files, family, config)
    return (try loader.load(config), loader.report)
  }

  /// The tokenizer that `verdant.json` names, or a family's `tokenizer.json`.
  func tokenizer() throws -> any Tokenizer {
    let standard = family == nil ? ByteTokenizer.kind : PretrainedTokenizer.kind
    let kind = details["tokenizer"]?.stringValue ?? standard
    switch kind {
    case ByteTokenizer.kind: return ByteTokenizer()
    case PretrainedTokenizer.kind: return try pretrainedTokenizer()
    default:
      throw ConfigError(
        .unsupported, "unknown tokenizer '\(escaped(kind))'", file: path + "/verdant.json",
        place: "tokenizer",
        rule: "one of '\(ByteTokenizer.kind)', '\(PretrainedTokenizer.kind)'")
    }
  }

  private func pretrainedTokenizer() throws -> PretrainedTokenizer {
    let file = try modelFile(path, PretrainedTokenizer.kind)
    var status = stat()
    guard lstat(file, &status) != 0 else { return try PretrainedTokenizer(file: file) }
    let older = ["vocab.txt", "vocab.json", "tokenizer.model", "spiece.model"].filter {
      lstat("\(path)/\($0)", &status) == 0
    }
    throw TokenizerError(
      .missingFile, "the model has no tokenizer", file: file,
      rule: older.isEmpty
        ? "texts become tokens by tokenizer.json"
        : "tokenizer.json is read; \(older.joined(separator: ", ")) alone is not",
      advice: older.isEmpty
        ? "copy it from where the model came from"
        : "python -c \"from transformers import AutoTokenizer as T; "
          + "T.from_pretrained('FOLDER').save_pretrained('FOLDER')\" writes it")
  }

  /// The names of a classifier's classes; nil for other models.
  func labels() throws(ConfigError) -> [String]? {
    guard let classes = config.classification?.classes else { return nil }
    let isOwn = details["labels"] != nil
    guard let names = details["labels"]?.arrayValue?.map(\.stringValue) ?? foreignLabels() else {
      return (0..<classes).map(String.init)
    }
    let labels = names.compactMap(\.self)
    guard labels.count == classes, Set(labels.map(ExactString.init)).count == classes else {
      throw ConfigError(
        .inconsistent, "\(names.count) labels for \(classes) classes",
        file: path + (isOwn ? "/verdant.json" : "/config.json"),
        place: isOwn ? "labels" : "id2label", rule: "a distinct name for each class")
    }
    return labels
  }

  private func foreignLabels() -> [String?]? {
    guard family != nil, let map = object["id2label"]?.objectValue else { return nil }
    return (0..<map.count).map { map[String($0)]?.stringValue }
  }
}
