import VerdantBase

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Reads records from the bytes of files and counts those that cannot be used.
struct RecordReader {
  let options: RecordOptions
  private(set) var badLines: BadLines

  init(_ options: RecordOptions) {
    self.options = options
    badLines = BadLines(options.onBadLine)
  }

  /// Gives every record of a file to a closure; what it throws is an error of that record.
  mutating func read(
    _ bytes: UnsafeRawBufferPointer, _ file: String, _ format: RecordFormat,
    fields: [FieldName], _ use: (Record) throws(DataError) -> Void
  ) throws(DataError) {
    let content = options.encoding == .utf8 ? withoutMark(bytes) : bytes
    switch format {
    case .csv: try readTable(content, file, UInt8(ascii: ","), fields, use)
    case .tsv: try readTable(content, file, UInt8(ascii: "\t"), fields, use)
    case .jsonl, .auto, .text: try readLines(content, file, fields, use)
    }
  }

  private mutating func readLines(
    _ bytes: UnsafeRawBufferPointer, _ file: String, _ fields: [FieldName],
    _ use: (Record) throws(DataError) -> Void
  ) throws(DataError) {
    var start = 0
    var number = 0
    while start < bytes.count {
      number += 1
      let end = firstOffset(of: 10, in: bytes, from: start) ?? bytes.count
      let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      start = end + 1
      if line.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 13 }) { continue }
      let place = RecordPlace(file: file, line: number)
      try badLines.count { [options] () throws(DataError) in
        try use(Self.record(line, place, fields, options.limits))
      }
    }
  }

  private static func record(
    _ line: UnsafeRawBufferPointer, _ place: RecordPlace, _ fields: [FieldName], _ limits: Limits
  ) throws(DataError) -> Record {
    guard line.count <= limits.lineBytes else {
      throw place.error(
        .tooLarge, "the line has \(line.count) bytes", rule: "at most \(limits.lineBytes)")
    }
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONValue(parsing: line, nestingLimit: limits.jsonNesting)
    } catch {
      let found = RecordPlace(file: place.file, line: place.line, column: error.offset)
      throw found.error(
        error.kind == .duplicateKey ? .duplicateKey : .badLine, error.report.what,
        rule: "each line is one JSON object", advice: error.report.advice)
    }
    return Record(place, names: fields, values: fields.map { json[$0.name].map { .json($0) } })
  }

  private mutating func readTable(
    _ bytes: UnsafeRawBufferPointer, _ file: String, _ separator: UInt8, _ fields: [FieldName],
    _ use: (Record) throws(DataError) -> Void
  ) throws(DataError) {
    var scanner = TableScanner(
      bytes, file: file, separator: separator, limit: options.limits.lineBytes,
      checksText: options.encoding == .utf8)
    guard scanner.findsRow() else { return }
    // Without its columns no row of a table can be read: no policy skips this.
    var columns =
      options.hasHeader
      ? try TableColumns(header: scanner.next(), fields)
      : try TableColumns(numbers: fields, file)
    while scanner.findsRow() {
      try badLines.count { () throws(DataError) in
        try use(columns.record(try scanner.next(), fields))
      }
    }
  }
}

/// The offset of the first such byte.
func firstOffset(of byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
  guard start < bytes.count, let base = bytes.baseAddress,
    let found = memchr(base + start, CInt(byte), bytes.count - start)
  else { return nil }
  return UnsafeRawPointer(found) - base
}

/// The bytes behind a byte order mark of UTF-8, which is no part of the text.
func withoutMark(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
  guard bytes.starts(with: [0xEF, 0xBB, 0xBF]) else { return bytes }
  return UnsafeRawBufferPointer(rebasing: bytes[3...])
}
