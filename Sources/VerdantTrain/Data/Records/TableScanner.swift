import VerdantBase

/// Cuts the bytes of a table into rows (RFC 4180): fields may stand in quotes, which may hold
/// separators, line ends and doubled quotes; rows end with LF or CRLF.
///
/// After a row that cannot be cut the scanner stands at the start of its second line: a quote that
/// was left open costs its own line alone, not all lines up to the next quote.
struct TableScanner {
  /// A field of a row.
  struct Field {
    var text: [UInt8] = []
    let place: RecordPlace
  }

  private let bytes: UnsafeRawBufferPointer
  private let file: String
  private let separator: UInt8
  private let limit: Int
  private let checksText: Bool
  private var position = 0
  private var line = 1
  private var lineStart = 0

  private static let quote = UInt8(ascii: "\"")
  private static let lineFeed: UInt8 = 10
  private static let carriageReturn: UInt8 = 13

  /// Scans a table.
  ///
  /// - Parameters:
  ///   - limit: Bytes of a row.
  ///   - checksText: Whether rows must be UTF-8 without NUL bytes.
  init(
    _ bytes: UnsafeRawBufferPointer, file: String, separator: UInt8, limit: Int, checksText: Bool
  ) {
    self.bytes = bytes
    self.file = file
    self.separator = separator
    self.limit = limit
    self.checksText = checksText
  }

  /// Passes empty lines; false at the end.
  mutating func findsRow() -> Bool {
    while position < bytes.count {
      if bytes[position] == Self.lineFeed {
        endLine(after: position)
      } else if isLineEnd(position) {
        endLine(after: position + 1)
      } else {
        return true
      }
    }
    return false
  }

  /// The fields of the next row, which must be there.
  mutating func next() throws(DataError) -> [Field] {
    let start = (position: position, line: line, lineStart: lineStart)
    let fields: [Field]
    do throws(DataError) {
      fields = try cutRow()
    } catch {
      (position, line, lineStart) = start
      passLine()
      throw error
    }
    let end = position
    guard end - start.position <= limit else {
      throw RecordPlace(file: file, line: start.line).error(
        .tooLarge, "the row has \(end - start.position) bytes", rule: "at most \(limit)")
    }
    if checksText { try check(start.position..<end, line: start.line) }
    return fields
  }

  private mutating func cutRow() throws(DataError) -> [Field] {
    let start = position
    var fields: [Field] = []
    while true {
      var field = Field(place: place)
      if position < bytes.count, bytes[position] == Self.quote {
        guard readQuoted(into: &field, from: start) else {
          throw field.place.error(
            .badLine, "a quoted field has no end within \(limit) bytes",
            rule: "a field that begins with a quote ends with one; a quote inside is doubled")
        }
      } else {
        readPlain(into: &field)
      }
      fields.append(field)
      if try endField(field.place) { return fields }
    }
  }

  private var place: RecordPlace {
    RecordPlace(file: file, line: line, column: position - lineStart)
  }

  private func isLineEnd(_ offset: Int) -> Bool {
    bytes[offset] == Self.carriageReturn && offset + 1 < bytes.count
      && bytes[offset + 1] == Self.lineFeed
  }

  private mutating func endLine(after offset: Int) {
    position = offset + 1
    line += 1
    lineStart = position
  }

  private mutating func passLine() {
    if let end = firstOffset(of: Self.lineFeed, in: bytes, from: position) {
      endLine(after: end)
    } else {
      position = bytes.count
    }
  }

  private mutating func readPlain(into field: inout Field) {
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      if byte == separator || byte == Self.lineFeed || byte == Self.carriageReturn
        || byte == Self.quote
      {
        break
      }
      position += 1
    }
    field.text = Array(bytes[start..<position])
  }

  /// Reads a field in quotes; false when it has no end within the limit of its row.
  private mutating func readQuoted(into field: inout Field, from rowStart: Int) -> Bool {
    position += 1
    while true {
      guard let end = firstOffset(of: Self.quote, in: bytes, from: position),
        end - rowStart <= limit
      else { return false }
      field.text += bytes[position..<end]
      // Only up to the quote: a search beyond it would be repeated for every quote of the field.
      let part = UnsafeRawBufferPointer(rebasing: bytes[position..<end])
      var from = 0
      let base = position
      while let lineEnd = firstOffset(of: Self.lineFeed, in: part, from: from) {
        endLine(after: base + lineEnd)
        from = lineEnd + 1
      }
      position = end + 1
      guard position < bytes.count, bytes[position] == Self.quote else { return true }
      field.text.append(Self.quote)
      position += 1
    }
  }

  /// Passes what ends a field; true when it ends the row, too.
  private mutating func endField(_ start: RecordPlace) throws(DataError) -> Bool {
    guard position < bytes.count else { return true }
    let byte = bytes[position]
    if byte == separator {
      position += 1
      return false
    }
    if byte == Self.lineFeed {
      endLine(after: position)
      return true
    }
    if isLineEnd(position) {
      endLine(after: position + 1)
      return true
    }
    switch byte {
    case Self.carriageReturn:
      throw place.error(
        .badLine, "a carriage return without a line feed",
        rule: "rows end with LF or CRLF; a field with other line ends stands in quotes")
    case Self.quote:
      throw place.error(
        .badLine, "a quote inside of a field without quotes",
        rule: "a field with quotes stands in quotes, and each quote inside is doubled")
    default:
      // Of a field over several lines the fault is rather its first quote.
      let isOneLine = start.line == line
      throw (isOneLine ? place : start).error(
        .badLine,
        "text behind the closing quote of a field" + (isOneLine ? "" : ", at \(place)"),
        rule: "a separator or the end of the row follows; a quote inside a field is doubled")
    }
  }

  private func check(_ range: Range<Int>, line: Int) throws(DataError) {
    let row = UnsafeRawBufferPointer(rebasing: bytes[range])
    if let offset = firstOffset(of: 0, in: row, from: 0) {
      throw located(offset, in: row, line).error(
        .binary, "a NUL byte: this is no text", rule: "text without NUL bytes")
    }
    if let offset = firstInvalidUTF8(in: row) {
      throw located(offset, in: row, line).error(
        .notUTF8, "invalid UTF-8", rule: "text is UTF-8",
        advice: "convert the file, or take it as data.encoding: bytes")
    }
  }

  /// The place of an offset in a row that begins at the start of a line.
  private func located(_ offset: Int, in row: UnsafeRawBufferPointer, _ line: Int) -> RecordPlace {
    var number = line
    var start = 0
    while let end = firstOffset(of: Self.lineFeed, in: row, from: start), end < offset {
      number += 1
      start = end + 1
    }
    return RecordPlace(file: file, line: number, column: offset - start)
  }
}
