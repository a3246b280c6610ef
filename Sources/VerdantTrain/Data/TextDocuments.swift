public import VerdantBase
import VerdantCore
import VerdantIO

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// How the bytes of text files are checked.
public enum TextEncoding: String, KnobValue, CaseIterable {
  /// Text must be valid UTF-8 without NUL bytes.
  case utf8 = "utf-8"
  /// Any bytes.
  case bytes
}

/// Documents read from text files, folders of text files, and JSONL files with a field `text`.
public struct TextDocuments: Sendable {
  /// The documents, in the order of the files.
  public private(set) var documents: [[UInt8]] = []
  /// Files of folders that hold no text and were left out.
  public private(set) var skippedFiles: [String] = []
  /// The files that were read.
  public private(set) var files: [String] = []

  private let encoding: TextEncoding
  private var readBytes = 0

  /// Reads every path: a file is one document, a `.jsonl` file one a line, a folder all its
  /// files, sorted by name; hidden ones are left out.
  ///
  /// - Throws: ``DataError`` naming the file and the place of the first problem.
  public init(_ paths: [String], encoding: TextEncoding = .utf8) throws(DataError) {
    self.encoding = encoding
    for entry in try TextFiles(paths).entries {
      do throws(DataError) {
        try readFile(entry.path)
      } catch {
        // A folder may hold pictures beside its texts; a file that was named may not.
        switch error.kind {
        case .binary, .notUTF8, .unsupported, .notARegularFile:
          guard entry.isInFolder else { throw error }
          skippedFiles.append(entry.path)
        default: throw error
        }
      }
    }
    documents.removeAll(where: \.isEmpty)
    guard !documents.isEmpty else {
      throw DataError(
        .empty, "the data holds no text", file: paths.joined(separator: ", "),
        rule: "at least one document that is not empty",
        advice: skippedFiles.isEmpty
          ? nil : "\(skippedFiles.count) files without text were left out")
    }
  }

  /// All bytes of the documents.
  public var byteCount: Int { documents.reduce(0) { $0 + $1.count } }

  private mutating func readFile(_ path: String) throws(DataError) {
    do {
      let file = try MappedFile(path)
      // The bytes, and four for each of their tokens.
      let memory = Compute.physicalByteCount
      guard memory == 0 || file.count < memory / 5 - readBytes else {
        throw DataError(
          .tooLarge, "the data up to this file has \(readBytes) + \(file.count) bytes", file: path,
          rule: "text and tokens together fit into the \(memory) bytes of memory")
      }
      files.append(path)
      let isLines = path.hasSuffix(".jsonl")
      try file.withBytes { bytes in
        try refuseArchive(bytes, path)
        if isLines {
          try readLines(withoutMark(bytes), path)
        } else {
          try check(bytes, path)
          documents.append(Array(withoutMark(bytes)))
        }
      }
      readBytes += file.count
    } catch {
      files.removeAll { $0 == path }
      switch error {
      case let error as DataError: throw error
      case let error as FileError: throw DataError(error)
      default: throw DataError(.io, "cannot read: \(error)", file: path)
      }
    }
  }

  /// The bytes behind a byte order mark, which is no part of the text.
  private func withoutMark(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    guard encoding == .utf8, bytes.starts(with: [0xEF, 0xBB, 0xBF]) else { return bytes }
    return UnsafeRawBufferPointer(rebasing: bytes[3...])
  }

  private func check(_ bytes: UnsafeRawBufferPointer, _ path: String) throws(DataError) {
    guard encoding == .utf8 else { return }
    if let offset = bytes.firstIndex(of: 0) {
      throw DataError(
        .binary, "a NUL byte: this is no text", file: path, place: "byte \(offset)",
        rule: "text without NUL bytes", advice: "data.encoding: bytes takes any bytes")
    }
    if let offset = firstInvalidUTF8(in: bytes) {
      throw DataError(
        .notUTF8, "invalid UTF-8", file: path, place: "byte \(offset)",
        rule: "text is UTF-8", advice: "convert the file, or take it as data.encoding: bytes")
    }
  }

  private mutating func readLines(_ bytes: UnsafeRawBufferPointer, _ path: String)
    throws(DataError)
  {
    var start = 0
    var number = 0
    while start < bytes.count {
      number += 1
      let end = bytes[start...].firstIndex(of: 10) ?? bytes.count
      let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      start = end + 1
      if line.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 13 }) { continue }
      documents.append(try Self.text(line, path, number))
    }
  }

  private static func text(_ line: UnsafeRawBufferPointer, _ path: String, _ number: Int)
    throws(DataError) -> [UInt8]
  {
    let place = "line \(number)"
    guard line.count <= Limits.standard.lineBytes else {
      throw DataError(
        .tooLarge, "the line has \(line.count) bytes", file: path, place: place,
        rule: "at most \(Limits.standard.lineBytes)")
    }
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONValue(parsing: line)
    } catch {
      throw DataError(
        error.kind == .duplicateKey ? .duplicateKey : .badLine, error.report.what, file: path,
        place: "\(place), byte \(error.offset)",
        rule: "each line is one JSON object", advice: error.report.advice)
    }
    guard let field = json["text"] else {
      throw DataError(
        .missingField, "no field 'text'", file: path, place: place,
        rule: "each line is an object with the field 'text'")
    }
    guard let text = field.stringValue else {
      throw DataError(
        .wrongType, "'text' is of type \(field.typeName)", file: path, place: place,
        rule: "a text expected")
    }
    return Array(text.utf8)
  }
}
