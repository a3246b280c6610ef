/// A JSON value.
public enum JSONValue: Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number written without fraction and exponent that fits `Int`.
  case integer(Int)
  /// Any other number.
  case number(Double)
  /// A string.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// An object.
  case object(JSONObject)
}

extension JSONValue: Equatable {
  /// Whether two values are the same.
  ///
  /// Strings are compared by their bytes, objects without regard to the order of their keys, and
  /// an integer never equals a number.
  public static func == (left: JSONValue, right: JSONValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let left), .bool(let right)): left == right
    case (.integer(let left), .integer(let right)): left == right
    case (.number(let left), .number(let right)): left == right
    case (.string(let left), .string(let right)): ExactString(left) == ExactString(right)
    case (.array(let left), .array(let right)): left == right
    case (.object(let left), .object(let right)): left == right
    default: false
    }
  }
}

extension JSONValue {
  /// Whether the value is `null`.
  public var isNull: Bool {
    if case .null = self { true } else { false }
  }
  /// The truth value, or nil for another type.
  public var boolValue: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }
  /// The exact integer, or nil for another type; `4.0` is not an integer.
  public var intValue: Int? {
    if case .integer(let value) = self { value } else { nil }
  }
  /// The number as `Double`, from an integer too, or nil for another type.
  public var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
  /// The string, or nil for another type.
  public var stringValue: String? {
    if case .string(let value) = self { value } else { nil }
  }
  /// The items of a list, or nil for another type.
  public var arrayValue: [JSONValue]? {
    if case .array(let value) = self { value } else { nil }
  }
  /// The object, or nil for another type.
  public var objectValue: JSONObject? {
    if case .object(let value) = self { value } else { nil }
  }
  /// The value of a key, or nil when this is no object or lacks the key.
  public subscript(key: String) -> JSONValue? { objectValue?[key] }

  /// The type with an article, for messages: `a string`, `an integer`, `null`.
  public var typeName: String {
    switch self {
    case .null: "null"
    case .bool: "a truth value"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  /// Makes a string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// Makes an integer.
  public init(integerLiteral value: Int) { self = .integer(value) }
  /// Makes a number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// Makes a truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// Makes a list.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// Makes an object; of equal keys the last one wins.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
  /// Makes `null`.
  public init(nilLiteral: ()) { self = .null }
}
