internal import VerdantBase

/// Reads the outermost object of a tokenizer file.
struct TokenizerFileReader {
  private let file: String?
  private let limits: Limits
  /// All members but the model.
  private(set) var members = JSONObject()
  private(set) var model: ModelReader

  init(file: String?, limits: Limits) {
    self.file = file
    self.limits = limits
    model = ModelReader(file: file, limits: limits)
  }

  /// The object of a key; nil where it is null or absent.
  func settings(_ key: String) throws(TokenizerError) -> PartSettings? {
    guard let value = members[key], !value.isNull else { return nil }
    guard let object = value.objectValue else {
      throw TokenizerError(
        .wrongType, "'\(key)' is \(value.typeName)", file: file, place: key,
        rule: "an object or null expected")
    }
    return PartSettings(object: object, path: key, file: file)
  }

  /// Reads a file.
  mutating func read(_ bytes: UnsafeRawBufferPointer) throws(TokenizerError) {
    guard bytes.count <= limits.tokenizerBytes else {
      throw TokenizerError(
        .tooLarge, "the file has \(bytes.count) bytes", file: file,
        rule: "at most \(limits.tokenizerBytes) bytes are read")
    }
    var reader = JSONReader(bytes, file: file)
    if let offset = firstInvalidUTF8(in: bytes) {
      throw TokenizerError(
        reader.failure(.invalidUTF8, "invalid UTF-8", at: offset, rule: "JSON text is UTF-8"))
    }
    var hasModel = false
    do {
      try reader.checkStart()
      let inner = try reader.enter(
        UInt8(ascii: "{"), "an object", nestingLimit: limits.jsonNesting)
      if !reader.take(UInt8(ascii: "}")) {
        repeat {
          try readMember(&reader, inner, &hasModel)
        } while reader.take(UInt8(ascii: ","))
        try reader.expect(UInt8(ascii: "}"), "',' or '}'")
      }
      try reader.expectEnd()
    } catch let error as JSONError {
      throw TokenizerError(error)
    } catch let error as TokenizerError {
      throw error
    } catch {
      trap("[tokenizer] an error of no known type: \(error)")
    }
    guard hasModel else {
      throw TokenizerError(.missingKey, "'model' is missing", file: file, place: "model")
    }
    if let version = members["version"], version.stringValue != "1.0" {
      throw TokenizerError(
        .unsupported, "a tokenizer file of another version", file: file, place: "version",
        rule: "\"1.0\"")
    }
  }

  private mutating func readMember(
    _ reader: inout JSONReader, _ nesting: Int, _ hasModel: inout Bool
  ) throws {
    _ = reader.peek()
    let start = reader.position
    let key = try reader.string()
    try reader.expect(UInt8(ascii: ":"), "':'")
    let isModel = key == "model"
    guard members[key] == nil, !(isModel && hasModel) else {
      throw reader.failure(
        .duplicateKey, "the key \"\(escaped(key))\" appears twice in one object", at: start,
        rule: "keys are unique")
    }
    if isModel {
      hasModel = true
      try model.read(&reader, nestingLimit: nesting)
    } else {
      members[key] = try reader.value(nestingLimit: nesting)
    }
  }
}
