/// A cursor over JSON text that gives one token at a time, for readers of large files that do not
/// want a tree of values.
///
/// The bytes must be valid UTF-8 and stay alive while the reader is used. No input makes it trap;
/// every read is checked against the end.
package struct JSONReader {
  package let bytes: UnsafeRawBufferPointer
  private let file: String?
  /// Added to each offset in errors, for JSON that does not start at the start of its file.
  private let baseOffset: Int
  /// The offset of the next byte.
  package internal(set) var position = 0

  /// The bytes of memory that values may still take; keeps the peak, which is up to 1.6 times what
  /// is counted, within 16 times the text plus 64 MiB.
  private var budget: Int

  package init(_ bytes: UnsafeRawBufferPointer, file: String? = nil, baseOffset: Int = 0) {
    self.bytes = bytes
    self.file = file
    self.baseOffset = baseOffset
    let (share, overflow) = bytes.count.multipliedReportingOverflow(by: 10)
    let (sum, carry) = share.addingReportingOverflow(32 << 20)
    budget = overflow || carry ? .max : sum
  }

  /// Counts memory that values take.
  package mutating func spend(_ byteCount: Int) throws(JSONError) {
    guard byteCount <= budget else {
      throw failure(
        .tooLarge,
        "the values would need many times the size of the text",
        rule: "memory is limited to about 16 times the text"
      )
    }
    budget -= byteCount
  }

  /// Makes an error at the current or a given offset.
  package func failure(
    _ kind: JSONError.Kind,
    _ what: String,
    at offset: Int? = nil,
    rule: String? = nil,
    advice: String? = nil
  ) -> JSONError {
    let offset = min(offset ?? position, bytes.count)
    var line = 1
    for byte in bytes[..<offset] where byte == UInt8(ascii: "\n") { line += 1 }
    return JSONError(
      kind,
      what,
      offset: baseOffset + offset,
      line: line,
      file: file,
      rule: rule,
      advice: advice
    )
  }

  /// Refuses text that starts with a byte order mark.
  package func checkStart() throws(JSONError) {
    if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
      throw failure(
        .byteOrderMark,
        "the text starts with a byte order mark",
        rule: "JSON has none",
        advice: "save it as UTF-8 without BOM"
      )
    }
  }

  /// The next byte after white space; nil at the end.
  package mutating func peek() -> UInt8? {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      case let byte: return byte
      }
    }
    return nil
  }

  /// Takes a byte if it is the next one after white space.
  package mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    return true
  }

  /// Requires and takes a byte.
  package mutating func expect(_ byte: UInt8, _ role: String) throws(JSONError) {
    guard take(byte) else { throw unexpected("expected \(role)") }
  }

  /// Requires that nothing but white space follows.
  package mutating func expectEnd() throws(JSONError) {
    guard peek() == nil else {
      throw failure(.trailingBytes, "unexpected bytes after the JSON value", rule: "one value only")
    }
  }

  /// The error for whatever comes next.
  package mutating func unexpected(_ expectation: String) -> JSONError {
    guard let byte = peek() else {
      return failure(.unexpectedEnd, "the JSON text ends early", rule: expectation)
    }
    let shown =
      (0x21...0x7E).contains(byte)
      ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x\(String(byte, radix: 16))"
    return failure(.unexpectedByte, "unexpected \(shown) in JSON", rule: expectation)
  }

  /// Takes `null`, `true` or `false`.
  package mutating func takeWord(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard bytes.count - position >= count else { return false }
    for i in 0..<count where bytes[position + i] != word.utf8Start[i] { return false }
    position += count
    return true
  }

  /// Reads a string, which must come next.
  package mutating func string() throws(JSONError) -> String {
    guard peek() == UInt8(ascii: "\"") else { throw unexpected("expected a string") }
    let opening = position
    let start = position + 1
    position = start
    skipPlain()
    if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
      defer { position += 1 }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }
    position = opening
    var text: [UInt8] = []
    try string(appendingTo: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads a string, which must come next, and appends its UTF-8 bytes.
  package mutating func string(appendingTo text: inout [UInt8]) throws(JSONError) {
    guard peek() == UInt8(ascii: "\"") else { throw unexpected("expected a string") }
    let opening = position
    position += 1
    while true {
      let start = position
      skipPlain()
      text.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
      guard position < bytes.count else { break }
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return
      case UInt8(ascii: "\\"): try escape(into: &text)
      case let byte:
        throw failure(
          .controlCharacter,
          "control character 0x\(String(byte, radix: 16)) inside a string",
          rule: "control characters are written as escapes"
        )
      }
    }
    throw failure(.unexpectedEnd, "a string has no end", at: opening, rule: "expected '\"'")
  }

  /// Moves to the next quote, backslash or control character.
  private mutating func skipPlain() {
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { return }
      position += 1
    }
  }

  private mutating func escape(into decoded: inout [UInt8]) throws(JSONError) {
    let start = position
    position += 1
    guard position < bytes.count else {
      throw failure(.unexpectedEnd, "the JSON text ends inside an escape")
    }
    let letter = bytes[position]
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(letter)
    case UInt8(ascii: "b"): decoded.append(0x08)
    case UInt8(ascii: "f"): decoded.append(0x0C)
    case UInt8(ascii: "n"): decoded.append(0x0A)
    case UInt8(ascii: "r"): decoded.append(0x0D)
    case UInt8(ascii: "t"): decoded.append(0x09)
    case UInt8(ascii: "u"):
      var value = try fourHexDigits(escapeAt: start)
      if (0xD800..<0xDC00).contains(value), position + 1 < bytes.count,
        bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
      {
        position += 2
        let low = try fourHexDigits(escapeAt: start)
        if (0xDC00..<0xE000).contains(low) {
          value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
      }
      guard let scalar = Unicode.Scalar(value) else {
        throw failure(
          .loneSurrogate,
          "half of a surrogate pair in an escape",
          at: start,
          rule: "strings hold whole Unicode characters"
        )
      }
      UTF8.encode(scalar).map { decoded.append(contentsOf: $0) }
    default:
      throw failure(
        .invalidEscape,
        "unknown escape in a string",
        at: start,
        rule: "escapes are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"
      )
    }
  }

  private mutating func fourHexDigits(escapeAt start: Int) throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count else {
        throw failure(.unexpectedEnd, "the JSON text ends inside an escape", at: start)
      }
      let digit: UInt8
      switch bytes[position] {
      case let byte where (0x30...0x39).contains(byte): digit = byte - 0x30
      case let byte where (0x41...0x46).contains(byte): digit = byte - 0x41 + 10
      case let byte where (0x61...0x66).contains(byte): digit = byte - 0x61 + 10
      default:
        throw failure(
          .invalidEscape,
          "an escape \\u without four hexadecimal digits",
          at: start
        )
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
