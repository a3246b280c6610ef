internal import VerdantBase

/// The settings of one part in a tokenizer file, read with checks of their types.
struct PartSettings {
  /// The object that holds the settings.
  let object: JSONObject
  /// Where the object stands, such as `normalizer.normalizers[0]`.
  let path: String
  /// The file, for errors.
  let file: String?

  /// No string that is put into texts or looked for in them is longer than this.
  private static let longestString = 1_024

  /// An error at a key.
  func error(
    _ kind: TokenizerError.Kind, _ what: String, _ key: String, rule: String? = nil,
    advice: String? = nil
  ) -> TokenizerError {
    TokenizerError(kind, what, file: file, place: place(key), rule: rule, advice: advice)
  }

  func place(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// A value that must be there.
  func value(_ key: String) throws(TokenizerError) -> JSONValue {
    guard let value = object[key] else {
      throw error(.missingKey, "'\(key)' is missing", key)
    }
    return value
  }

  func optional(_ key: String) -> JSONValue? {
    guard let value = object[key], !value.isNull else { return Optional.none }
    return value
  }

  func string(_ key: String) throws(TokenizerError) -> String {
    let value = try value(key)
    guard let text = value.stringValue else { throw wrong(value, key, "a string") }
    return text
  }

  func optionalString(_ key: String) throws(TokenizerError) -> String? {
    guard let value = optional(key) else { return nil }
    guard let text = value.stringValue else { throw wrong(value, key, "a string") }
    return text
  }

  func bool(_ key: String) throws(TokenizerError) -> Bool? {
    guard let value = optional(key) else { return nil }
    guard let flag = value.boolValue else { throw wrong(value, key, "true or false") }
    return flag
  }

  /// A whole number in a range.
  func integer(_ key: String, in range: ClosedRange<Int>) throws(TokenizerError) -> Int? {
    guard let value = optional(key) else { return nil }
    guard let number = value.intValue else { throw wrong(value, key, "a whole number") }
    guard range.contains(number) else {
      throw error(
        .outOfRange, "\(number) is out of range", key,
        rule: "\(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func list(_ key: String) throws(TokenizerError) -> [JSONValue] {
    let value = try value(key)
    guard let items = value.arrayValue else { throw wrong(value, key, "a list") }
    return items
  }

  /// One of the names that a key allows.
  func choice<Choice: CaseIterable & RawRepresentable<String>>(_ key: String, _ type: Choice.Type)
    throws(TokenizerError) -> Choice?
  {
    guard let name = try optionalString(key) else { return nil }
    if let choice = Choice(rawValue: name) { return choice }
    let known = Choice.allCases.map(\.rawValue)
    throw error(
      .outOfRange, "'\(escaped(name))' is not known", key,
      rule: "one of \(known.joined(separator: ", "))",
      advice: nearest(to: name, in: known).map { "did you mean '\($0)'?" })
  }

  /// The only scalar of a string.
  func scalar(_ key: String) throws(TokenizerError) -> UInt32? {
    guard let text = try optionalString(key) else { return nil }
    let scalars = Array(text.unicodeScalars)
    guard scalars.count == 1 else {
      throw error(.outOfRange, "'\(escaped(text))' is not one character", key)
    }
    return scalars[0].value
  }

  /// Refuses a string that would make texts grow too much, or searches for it too slow.
  func limit(_ count: Int, _ key: String) throws(TokenizerError) {
    guard count <= Self.longestString else {
      throw error(
        .tooLarge, "a string of \(count) bytes", key,
        rule: "at most \(Self.longestString) bytes")
    }
  }

  /// A pattern of the form `{"String": …}` or `{"Regex": …}`.
  func pattern(_ key: String) throws(TokenizerError) -> any TextPattern {
    let value = try value(key)
    if let text = value["String"]?.stringValue {
      guard !text.isEmpty else { throw error(.outOfRange, "an empty pattern", key) }
      try limit(text.utf8.count, key)
      return LiteralPattern(Array(text.utf8))
    }
    guard let expression = value["Regex"]?.stringValue else {
      throw wrong(value, key, #"{"String": …} or {"Regex": …}"#)
    }
    guard let pattern = KnownPatterns.find(expression) else {
      throw error(
        .unsupported, "the pattern '\(escaped(expression))'", key,
        rule: "patterns are recognized by their text; docs/tokenizers.md lists them")
    }
    return pattern
  }

  func wrong(_ value: JSONValue, _ key: String, _ expected: String) -> TokenizerError {
    error(.wrongType, "'\(key)' is \(value.typeName)", key, rule: "\(expected) expected")
  }
}
