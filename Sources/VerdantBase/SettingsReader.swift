/// Reads settings from a parsed file and collects everything that is wrong with them.
public struct SettingsReader: Sendable {
  /// The file, as the user named it.
  public let file: String?
  /// Line numbers by path, where the file's form has lines.
  public let lines: [String: Int]
  /// What was found wrong so far.
  public private(set) var problems: [ConfigError] = []

  /// Makes a reader.
  public init(file: String? = nil, lines: [String: Int] = [:]) {
    self.file = file
    self.lines = lines
  }

  /// Throws everything that was reported.
  public func finish() throws(ConfigError) {
    if let error = ConfigError(collecting: problems) { throw error }
  }

  /// The path of a key inside a mapping.
  public func join(_ path: String, _ key: String) -> String {
    path.isEmpty ? key : path + "." + key
  }

  /// Reports a problem at a path.
  public mutating func report(
    _ kind: ConfigError.Kind,
    _ what: String,
    at path: String,
    rule: String? = nil,
    advice: String? = nil
  ) {
    problems.append(
      ConfigError(kind, what, file: file, place: place(path), rule: rule, advice: advice))
  }

  private func place(_ path: String) -> String? {
    if let line = lines[path] { return "line \(line) (\(path))" }
    return path.isEmpty ? nil : path
  }

  /// Reports a key that nothing reads.
  public mutating func unknown(_ key: String, at path: String, known: [String]) {
    let near = nearest(to: key, in: known)
    report(
      .unknownKey,
      "unknown key '\(escaped(key))'",
      at: join(path, key),
      rule: "known keys: \(known.joined(separator: ", "))",
      advice: near.map { "did you mean '\($0)'?" }
    )
  }

  /// Reports a name that is none of the known ones.
  public mutating func unknownName(_ name: String, known: [String], at path: String) {
    report(
      .outOfRange,
      "'\(escaped(name))' is not known here",
      at: path,
      rule: "one of \(known.joined(separator: ", "))",
      advice: nearest(to: name, in: known).map { "did you mean '\($0)'?" }
    )
  }

  /// Reports a value of the wrong type.
  public mutating func wrongType(_ json: JSONValue, expected: String, at path: String) {
    report(.wrongType, "found \(described(json))", at: path, rule: "\(expected) expected")
  }

  private func described(_ json: JSONValue) -> String {
    switch json {
    case .string(let text): "the text '\(escaped(text))'"
    case .integer(let value): "the number \(value)"
    case .number(let value): "the number \(value)"
    case .bool(let value): "\(value)"
    default: "a value of type \(json.typeName)"
    }
  }

  /// The mapping at a path; reports anything else.
  public mutating func object(_ json: JSONValue, at path: String) -> JSONObject? {
    if let object = json.objectValue { return object }
    wrongType(json, expected: "a mapping", at: path)
    return nil
  }

  /// A whole number in a range; reports anything else.
  public mutating func integer(_ json: JSONValue, in range: ClosedRange<Int>, at path: String)
    -> Int?
  {
    let whole: Int? =
      switch json {
      case .integer(let value): value
      case .number(let value): Int(exactly: value)
      default: nil
      }
    guard let value = whole else {
      wrongType(json, expected: "a whole number", at: path)
      return nil
    }
    if range.contains(value) { return value }
    outOfRange("\(value)", "\(range.lowerBound)", "\(range.upperBound)", at: path)
    return nil
  }

  /// A finite number in a range; reports anything else.
  public mutating func number(
    _ json: JSONValue,
    in range: ClosedRange<Double>,
    at path: String
  ) -> Double? {
    guard let value = json.doubleValue, value.isFinite else {
      wrongType(json, expected: "a finite number", at: path)
      return nil
    }
    if range.contains(value) { return value }
    outOfRange("\(value)", "\(range.lowerBound)", "\(range.upperBound)", at: path)
    return nil
  }

  private mutating func outOfRange(
    _ value: String, _ low: String, _ high: String, at path: String
  ) {
    let rule = high.count > 12 ? "at least \(low) expected" : "\(low) to \(high) expected"
    report(.outOfRange, "\(value) is out of range", at: path, rule: rule)
  }
}
