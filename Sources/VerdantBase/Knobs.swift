/// Options that are declared once: names, defaults, ranges and help. Parsing, writing, checking
/// and the documentation read this one declaration.
public protocol Knobs: KnobValue {
  /// The defaults.
  init()
  /// Every option, in the order of the documentation.
  static var knobs: [Knob<Self>] { get }
}

/// A value that an option can have.
public protocol KnobValue: Sendable, Equatable {
  /// What would be right, for errors and help: `true or false`.
  static var expectation: String { get }
  /// Reads a value; nil after a problem was reported to the reader.
  static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader) -> Self?
  /// The value as it is written to a file.
  var json: JSONValue { get }
}

/// One option of a set of options.
public struct Knob<Root>: Sendable {
  /// The key in files.
  public let name: String
  /// One line of help.
  public let help: String
  /// What would be right.
  public let expectation: String
  let read: @Sendable (inout Root, JSONValue, String, inout SettingsReader) -> Void
  let write: @Sendable (Root) -> JSONValue

  /// An option of any type that knows how to read itself.
  public init<Value: KnobValue>(
    _ name: String,
    _ path: any WritableKeyPath<Root, Value> & Sendable,
    _ help: String
  ) {
    self.name = name
    self.help = help
    expectation = Value.expectation
    read = { root, json, place, reader in
      if let value = Value.read(json, at: place, &reader) { root[keyPath: path] = value }
    }
    write = { $0[keyPath: path].json }
  }

  /// A whole number in a range.
  public init(
    _ name: String,
    _ path: any WritableKeyPath<Root, Int> & Sendable,
    _ range: ClosedRange<Int>,
    _ help: String
  ) {
    self.init(name, help, "a whole number \(described(range))") { root, json, place, reader in
      if let value = reader.integer(json, in: range, at: place) { root[keyPath: path] = value }
    } write: {
      .integer($0[keyPath: path])
    }
  }

  /// A whole number in a range, or null.
  public init(
    _ name: String,
    _ path: any WritableKeyPath<Root, Int?> & Sendable,
    _ range: ClosedRange<Int>,
    _ help: String
  ) {
    self.init(name, help, "a whole number \(described(range))") { root, json, place, reader in
      if json.isNull {
        root[keyPath: path] = nil
      } else if let value = reader.integer(json, in: range, at: place) {
        root[keyPath: path] = value
      }
    } write: {
      $0[keyPath: path].map { .integer($0) } ?? .null
    }
  }

  /// A number in a range.
  public init(
    _ name: String,
    _ path: any WritableKeyPath<Root, Double> & Sendable,
    _ range: ClosedRange<Double>,
    _ help: String
  ) {
    self.init(name, help, "a number \(described(range))") { root, json, place, reader in
      if let value = reader.number(json, in: range, at: place) { root[keyPath: path] = value }
    } write: {
      .number($0[keyPath: path])
    }
  }

  /// A number in a range, or null.
  public init(
    _ name: String,
    _ path: any WritableKeyPath<Root, Double?> & Sendable,
    _ range: ClosedRange<Double>,
    _ help: String
  ) {
    self.init(name, help, "a number \(described(range))") { root, json, place, reader in
      if json.isNull {
        root[keyPath: path] = nil
      } else if let value = reader.number(json, in: range, at: place) {
        root[keyPath: path] = value
      }
    } write: {
      $0[keyPath: path].map { .number($0) } ?? .null
    }
  }

  private init(
    _ name: String,
    _ help: String,
    _ expectation: String,
    read: @escaping @Sendable (inout Root, JSONValue, String, inout SettingsReader) -> Void,
    write: @escaping @Sendable (Root) -> JSONValue
  ) {
    self.name = name
    self.help = help
    self.expectation = expectation
    self.read = read
    self.write = write
  }
}

private func described<Bound: Comparable & LosslessStringConvertible & Numeric>(
  _ range: ClosedRange<Bound>
) -> String {
  "\(range.upperBound)".count > 12
    ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
}

extension Knobs {
  /// A mapping.
  public static var expectation: String { "a mapping" }

  /// Reads a mapping; keys that are absent keep their defaults.
  public static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> Self?
  {
    guard let object = reader.object(json, at: path) else { return nil }
    var value = Self()
    value.update(from: object, at: path, &reader)
    return value
  }

  /// Sets the options that `object` has; reports unknown keys.
  ///
  /// - Parameter ignoring: Keys that somebody else reads.
  public mutating func update(
    from object: JSONObject,
    at path: String,
    ignoring: Set<String> = [],
    _ reader: inout SettingsReader
  ) {
    let knobs = Self.knobs
    for (key, json) in object where !ignoring.contains(key) {
      if let knob = knobs.first(where: { $0.name == key }) {
        knob.read(&self, json, reader.join(path, key), &reader)
      } else {
        reader.unknown(key, at: path, known: knobs.map(\.name) + ignoring.sorted())
      }
    }
  }

  /// All options with their values.
  public var json: JSONValue {
    var object = JSONObject()
    for knob in Self.knobs { object[knob.name] = knob.write(self) }
    return .object(object)
  }
}
