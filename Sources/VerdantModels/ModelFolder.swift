public import VerdantBase
import VerdantCore
public import VerdantIO
public import VerdantNN
public import VerdantText

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A model on disk: `config.json`, `model.safetensors` and `verdant.json`.
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

  /// Loads a model.
  ///
  /// - Throws: ``CheckpointError`` when a file is missing or damaged or the tensors do not fit the
  ///   configuration, with all of them; ``ConfigError`` when the configuration is wrong.
  public init(_ path: String) throws {
    let config = try Self.config(path)
    let details = try Self.read(modelFile(path, "verdant.json"))
    history = details["history"]?.arrayValue ?? []
    let kind = details["tokenizer"]?.stringValue ?? ByteTokenizer.kind
    switch kind {
    case ByteTokenizer.kind: tokenizer = ByteTokenizer()
    case PretrainedTokenizer.kind:
      tokenizer = try PretrainedTokenizer(file: modelFile(path, "tokenizer.json"))
    default:
      throw ConfigError(
        .unsupported, "unknown tokenizer '\(escaped(kind))'", file: path + "/verdant.json",
        place: "tokenizer",
        rule: "'\(ByteTokenizer.kind)' or '\(PretrainedTokenizer.kind)' expected")
    }
    try checkVocabulary(config, tokenizer, file: path + "/config.json")
    labels = try Self.labels(details, config, file: path + "/verdant.json")
    model = try Self.load(config, modelFile(path, "model.safetensors"))
  }

  private static func labels(_ details: JSONValue, _ config: ModelConfig, file: String)
    throws(ConfigError) -> [String]?
  {
    guard let classes = config.classification?.classes else { return nil }
    guard let names = details["labels"]?.arrayValue?.map(\.stringValue) else {
      return (0..<classes).map(String.init)
    }
    let labels = names.compactMap(\.self)
    guard labels.count == classes, Set(labels.map(ExactString.init)).count == classes else {
      throw ConfigError(
        .inconsistent, "\(names.count) labels for \(classes) classes", file: file,
        place: "labels", rule: "a distinct name for each class")
    }
    return labels
  }

  /// The folder of a model: that of a run holds it in `model`.
  public static func resolve(_ path: String) -> String {
    var status = stat()
    let hasConfig = stat(path + "/config.json", &status) == 0
    let inside = stat(path + "/model/config.json", &status) == 0
    return !hasConfig && inside ? path + "/model" : path
  }

  /// The configuration alone.
  public static func config(_ path: String) throws -> ModelConfig {
    let file = try modelFile(path, "config.json")
    let json = try read(file)
    guard let object = json.objectValue else {
      throw ConfigError(.wrongType, "the file holds no object", file: file)
    }
    let type = object["model_type"]?.stringValue
    guard type == modelType else {
      throw ConfigError(
        .unsupported,
        type.map { "unknown model type '\(escaped($0))'" } ?? "no model type is given",
        file: file,
        place: "model_type",
        rule: "'\(modelType)' expected"
      )
    }
    var config = ModelConfig()
    var reader = SettingsReader(file: file)
    config.update(from: object, at: "", ignoring: ["model_type"], &reader)
    try reader.finish()
    return config
  }

  private static func read(_ path: String) throws -> JSONValue {
    do {
      return try JSONValue(
        parsing: readFile(path, limit: Limits.standard.configBytes, followsLinks: false), file: path
      )
    } catch let error as FileError where error.kind == .missing {
      throw CheckpointError(
        .missingFile, "no such file", file: path,
        advice: "a model folder holds config.json, model.safetensors and verdant.json")
    }
  }

  private static func load(_ config: ModelConfig, _ path: String) throws -> Transformer {
    let file = try SafetensorsFile(path, followsLinks: false)
    // The weights come from the file: shapes are all that is needed of the initial ones.
    let shapes = try Transformer(config, random: RandomSource(seed: 0), on: ShapeBackend())
    var problems: [CheckpointError] = []
    var expected: [String: Shape] = [:]
    shapes.forEachParameter { name, parameter in
      expected[name] = parameter.value.shape
      guard let entry = file.header[name] else {
        problems.append(
          CheckpointError(
            .missingTensors, "the tensor is missing", file: path,
            place: "tensor \"\(name)\"", rule: "shape \(parameter.value.shape) expected"))
        return
      }
      if entry.shape != Array(parameter.value.shape) {
        problems.append(
          CheckpointError(
            .misshapenTensor, "the tensor has shape \(entry.shape)", file: path,
            place: "tensor \"\(name)\"", rule: "shape \(parameter.value.shape) expected"))
      } else if entry.dtype != .f32 && entry.dtype != .bf16 {
        problems.append(
          CheckpointError(
            .unsupportedDType, "the tensor has elements of type \(entry.dtype.name)", file: path,
            place: "tensor \"\(name)\"", rule: "parameters are F32 or BF16"))
      }
    }
    for entry in file.entries where expected[entry.name] == nil {
      problems.append(
        CheckpointError(
          .unexpectedTensors, "the model has no such tensor", file: path,
          place: "tensor \"\(escaped(entry.name))\"",
          advice: nearest(to: entry.name, in: expected.keys.sorted()).map {
            "the nearest name is \"\($0)\""
          }))
    }
    if let error = CheckpointError(collecting: problems) { throw error }
    let bytes = shapes.parameters.reduce(0.0) { $0 + Double($1.parameter.value.byteCount) }
    try MemoryNeed.check(bytes, for: "the model")
    var model = shapes
    var failure: (any Error)?
    model.updateParameters { name, parameter in
      guard failure == nil else { return }
      do { parameter.value = try file.tensor(named: name) } catch { failure = error }
    }
    if let failure { throw failure }
    return model
  }

  /// Writes a model as a folder that appears only when it is complete.
  ///
  /// - Parameters:
  ///   - labels: The names of a classifier's classes.
  ///   - history: One entry for each step that made the model.
  public static func write(
    _ model: Transformer,
    tokenizer: any Tokenizer,
    labels: [String]? = nil,
    history: [JSONValue],
    to path: String,
    overwriting: Bool = false
  ) throws {
    let folder = try AtomicFolder(path, overwriting: overwriting)
    try write(model, tokenizer: tokenizer, labels: labels, history: history, into: folder)
    try folder.commit()
  }

  /// Writes the files of a model into a folder that further files make complete.
  public static func write(
    _ model: Transformer,
    tokenizer: any Tokenizer,
    labels: [String]? = nil,
    history: [JSONValue],
    into folder: AtomicFolder
  ) throws {
    var config: JSONObject = ["model_type": .string(modelType)]
    for (key, value) in model.config.json.objectValue ?? JSONObject() { config[key] = value }
    var details: JSONObject = [
      "format": 1, "tokenizer": .string(type(of: tokenizer).kind), "history": .array(history),
    ]
    if let labels { details["labels"] = .array(labels.map { .string($0) }) }
    try folder.write(
      JSONWriter.bytes(of: .object(config), style: .pretty) + [10], named: "config.json")
    try folder.write(
      JSONWriter.bytes(of: .object(details), style: .pretty) + [10], named: "verdant.json")
    if let pretrained = tokenizer as? PretrainedTokenizer {
      try folder.write(pretrained.content, named: "tokenizer.json")
    }
    try SafetensorsWriter.write(
      model.parameters.map { ($0.name, $0.parameter.value) }, into: folder,
      named: "model.safetensors")
  }
}
