import VerdantBase
import VerdantIO
import VerdantNN

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What the small files of `sentence-transformers` in a model folder say.
struct SentenceSettings {
  private(set) var pooling = [Pooling.mean]
  private(set) var normalizes = false
  private(set) var lowercases = false
  /// Tokens of a text at most; nil for as many as the model reads.
  private(set) var maximumLength: Int?

  /// Reads the files that are there.
  ///
  /// - Throws: ``ConfigError`` for a module or a way of pooling that is not known.
  init(_ folder: String) throws {
    try readLengths(folder)
    guard let modules = try Self.read(folder, "modules.json") else { return }
    let file = folder + "/modules.json"
    guard let list = modules.arrayValue else {
      throw ConfigError(.wrongType, "the file holds no list", file: file)
    }
    let sorted = list.enumerated().sorted {
      ($0.element["idx"]?.intValue ?? $0.offset) < ($1.element["idx"]?.intValue ?? $1.offset)
    }
    for (place, module) in sorted {
      // The packages before the name changed with the versions.
      let type = module["type"]?.stringValue ?? ""
      switch type.split(separator: ".").last?.lowercased() {
      case "transformer": continue
      case "normalize": normalizes = true
      case "pooling": try readPooling(folder, module["path"]?.stringValue ?? "")
      default:
        throw ConfigError(
          .unsupported, "the module '\(escaped(type))'", file: file, place: "[\(place)].type",
          rule: "one of Transformer, Pooling, Normalize")
      }
    }
  }

  private static func read(_ folder: String, _ name: String) throws -> JSONValue? {
    var status = stat()
    guard lstat("\(folder)/\(name)", &status) == 0 else { return nil }
    return try ModelDescription.read(modelFile(folder, name))
  }

  private mutating func readLengths(_ folder: String) throws {
    let name = "sentence_bert_config.json"
    if let json = try Self.read(folder, name) {
      lowercases = json["do_lower_case"]?.boolValue ?? false
      if let value = json["max_seq_length"], !value.isNull {
        var reader = SettingsReader(file: "\(folder)/\(name)")
        maximumLength = reader.integer(value, in: 1...(1 << 24), at: "max_seq_length")
        try reader.finish()
      }
    }
    // Some tokenizers say a number beyond all integers for no limit.
    if maximumLength == nil, let json = try Self.read(folder, "tokenizer_config.json"),
      let limit = json["model_max_length"]?.intValue, limit > 0
    {
      maximumLength = limit
    }
  }

  /// The ways of pooling in the order of their results, by the ends of their keys.
  private static let keys: [(key: String, pooling: Pooling?)] = [
    ("cls_token", .first), ("max_tokens", .maximum), ("mean_tokens", .mean),
    ("mean_sqrt_len_tokens", nil), ("weightedmean_tokens", nil), ("lasttoken", .last),
  ]

  private mutating func readPooling(_ folder: String, _ path: String) throws {
    guard isSafeFileName(path) else {
      throw ConfigError(
        .outOfRange, "the path '\(escaped(path))'", file: folder + "/modules.json", place: "path",
        rule: "the name of a folder in this one")
    }
    let name = "\(path)/config.json"
    guard let json = try Self.read(folder, name) else {
      throw CheckpointError(
        .missingFile, "no such file", file: "\(folder)/\(name)", rule: "modules.json names it")
    }
    var wanted = Set(
      Self.keys.map(\.key).filter { json["pooling_mode_\($0)"]?.boolValue ?? ($0 == "mean_tokens") }
    )
    // Newer files give one name, which may lack the end of the old keys.
    if let mode = json["pooling_mode"]?.stringValue {
      wanted = [Self.keys.map(\.key).first { $0 == mode || $0.hasPrefix(mode + "_") } ?? mode]
    }
    let chosen = Self.keys.filter { wanted.contains($0.key) }
    let known = chosen.compactMap(\.pooling)
    guard !known.isEmpty, known.count == wanted.count else {
      let names = wanted.sorted().joined(separator: ", ")
      throw ConfigError(
        .unsupported, "the pooling '\(escaped(names))'", file: "\(folder)/\(name)",
        place: "pooling_mode", rule: "one of cls, max, mean, lasttoken")
    }
    pooling = known
  }
}
