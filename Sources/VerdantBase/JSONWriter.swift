/// Writes JSON text.
public struct JSONWriter: Sendable {
  /// How the text is laid out.
  public enum Style: Sendable {
    /// No white space at all.
    case compact
    /// One member or item per line, indented by two spaces.
    case pretty
  }

  private let style: Style
  private var text: [UInt8] = []

  private init(style: Style) { self.style = style }

  /// The UTF-8 text of a value.
  ///
  /// Numbers are written with the fewest digits that read back as the same value, and always with
  /// a point or an exponent, so that integers and numbers stay apart. Keys keep their order.
  ///
  /// - Throws: ``JSONError`` for a number that is not finite, and for nesting beyond
  ///   ``JSONValue/maximumNesting``.
  public static func bytes(
    of value: JSONValue,
    style: Style = .compact
  ) throws(JSONError) -> [UInt8] {
    var writer = JSONWriter(style: style)
    try writer.write(value, depth: 0)
    return writer.text
  }

  /// Appends a string with quotes and escapes.
  ///
  /// Escaped are the quote, the backslash and U+0000 to U+001F; everything else stays as it is.
  public static func appendQuoted(_ string: String, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        text.append(UInt8(ascii: "\\"))
        text.append(byte)
      case 0x08: text.append(contentsOf: "\\b".utf8)
      case 0x09: text.append(contentsOf: "\\t".utf8)
      case 0x0A: text.append(contentsOf: "\\n".utf8)
      case 0x0C: text.append(contentsOf: "\\f".utf8)
      case 0x0D: text.append(contentsOf: "\\r".utf8)
      case 0..<0x20:
        text.append(contentsOf: byte < 0x10 ? "\\u000".utf8 : "\\u00".utf8)
        text.append(contentsOf: String(byte, radix: 16).utf8)
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
  }

  private mutating func write(_ value: JSONValue, depth: Int) throws(JSONError) {
    switch value {
    case .null: append("null")
    case .bool(let value): append(value ? "true" : "false")
    case .integer(let value): append(String(value))
    case .number(let value):
      guard value.isFinite else {
        throw JSONError(
          .numberOutOfRange,
          "\(value) cannot be written as JSON",
          rule: "JSON numbers are finite",
          advice: "write null"
        )
      }
      append(value.description)
    case .string(let value): Self.appendQuoted(value, to: &text)
    case .array(let items):
      try checkDepth(depth)
      append("[")
      for (index, item) in items.enumerated() {
        separate(isFirst: index == 0, depth: depth + 1)
        try write(item, depth: depth + 1)
      }
      if !items.isEmpty { newLine(depth: depth) }
      append("]")
    case .object(let object):
      try checkDepth(depth)
      append("{")
      var isFirst = true
      for (key, member) in object {
        separate(isFirst: isFirst, depth: depth + 1)
        isFirst = false
        Self.appendQuoted(key, to: &text)
        append(style == .pretty ? ": " : ":")
        try write(member, depth: depth + 1)
      }
      if !isFirst { newLine(depth: depth) }
      append("}")
    }
  }

  private func checkDepth(_ depth: Int) throws(JSONError) {
    guard depth < JSONValue.maximumNesting else {
      throw JSONError(.nestingTooDeep, "lists and objects are nested too deeply to be written")
    }
  }

  private mutating func separate(isFirst: Bool, depth: Int) {
    if !isFirst { append(",") }
    newLine(depth: depth)
  }

  private mutating func newLine(depth: Int) {
    guard style == .pretty else { return }
    text.append(UInt8(ascii: "\n"))
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
  }

  private mutating func append(_ string: String) { text.append(contentsOf: string.utf8) }
}

extension JSONValue {
  /// The value as text.
  ///
  /// - Throws: ``JSONError`` for a number that is not finite, and for nesting beyond
  ///   ``maximumNesting``.
  public func serialized(style: JSONWriter.Style = .compact) throws(JSONError) -> String {
    String(decoding: try JSONWriter.bytes(of: self, style: style), as: UTF8.self)
  }
}
