extension Bool: KnobValue {
  /// True or false.
  public static var expectation: String { "true or false" }
  /// Reads a truth value.
  public static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> Bool?
  {
    if let value = json.boolValue { return value }
    reader.wrongType(json, expected: expectation, at: path)
    return nil
  }
  /// The value as it is written to a file.
  public var json: JSONValue { .bool(self) }
}

extension String: KnobValue {
  /// A text.
  public static var expectation: String { "a text" }
  /// Reads a text.
  public static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> String?
  {
    if let value = json.stringValue { return value }
    reader.wrongType(json, expected: expectation, at: path)
    return nil
  }
  /// The value as it is written to a file.
  public var json: JSONValue { .string(self) }
}

extension Int: KnobValue {
  /// A whole number.
  public static var expectation: String { "a whole number" }
  /// Reads a whole number.
  public static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> Int?
  {
    reader.integer(json, in: Int.min...Int.max, at: path)
  }
  /// The value as it is written to a file.
  public var json: JSONValue { .integer(self) }
}

extension Array: KnobValue where Element: KnobValue {
  /// A list; a single element may stand for a list of one.
  public static var expectation: String { "a list, each \(Element.expectation)" }
  /// Reads a list.
  public static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> [Element]?
  {
    guard let elements = json.arrayValue else {
      return Element.read(json, at: path, &reader).map { [$0] }
    }
    let before = reader.problems.count
    let values = elements.enumerated().compactMap { index, element in
      Element.read(element, at: "\(path)[\(index)]", &reader)
    }
    return reader.problems.count == before ? values : nil
  }
  /// The value as it is written to a file.
  public var json: JSONValue { .array(map(\.json)) }
}

extension Optional: KnobValue where Wrapped: KnobValue {
  /// What the present value is, or null.
  public static var expectation: String { Wrapped.expectation }
  /// Reads null or a value.
  public static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> Wrapped??
  {
    if json.isNull { return .some(nil) }
    return Wrapped.read(json, at: path, &reader).map { .some($0) }
  }
  /// The value as it is written to a file.
  public var json: JSONValue { self?.json ?? .null }
}

extension KnobValue where Self: RawRepresentable & CaseIterable, RawValue == String {
  /// The names.
  public static var expectation: String {
    "one of " + allCases.map(\.rawValue).joined(separator: ", ")
  }
  /// Reads a name.
  public static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> Self?
  {
    guard let name = json.stringValue else {
      reader.wrongType(json, expected: expectation, at: path)
      return nil
    }
    if let value = Self(rawValue: name) { return value }
    reader.unknownName(name, known: allCases.map(\.rawValue), at: path)
    return nil
  }
  /// The value as it is written to a file.
  public var json: JSONValue { .string(rawValue) }
}
