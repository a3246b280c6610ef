public import VerdantBase

/// The name of a part in a catalog, as the value of an option: only known names exist.
public protocol CatalogName: KnobValue, Hashable {
  /// The name.
  var kind: String { get }
  /// A name that is in the catalog.
  init(known kind: String)
  /// Every name of the catalog.
  static var known: [String] { get }
}

extension CatalogName {
  /// The names.
  public static var expectation: String { "one of " + known.joined(separator: ", ") }

  /// Reads a name.
  public static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> Self?
  {
    guard let name = json.stringValue else {
      reader.wrongType(json, expected: expectation, at: path)
      return nil
    }
    if known.contains(name) { return Self(known: name) }
    reader.unknownName(name, known: known, at: path)
    return nil
  }

  /// The value as it is written to a file.
  public var json: JSONValue { .string(kind) }
}
