public import VerdantBase

/// How the bytes of text files are checked.
public enum TextEncoding: String, KnobValue, CaseIterable {
  /// Text must be valid UTF-8 without NUL bytes.
  case utf8 = "utf-8"
  /// Any bytes.
  case bytes
}

/// Documents read from text files, folders of text files, JSONL files and tables with a field
/// `text`.
public struct TextDocuments: Sendable {
  /// The documents, in the order of the files.
  public private(set) var documents: [[UInt8]] = []
  /// Files of folders that hold no text and were left out.
  public private(set) var skippedFiles: [String] = []
  /// The files that were read.
  public private(set) var files: [String] = []
  /// The records that could not be used.
  public private(set) var badLines = BadLines()

  private var memory = DataMemory()

  /// Reads every path: a file is one document, a `.jsonl` file one a line, a folder all its
  /// files, sorted by name; hidden ones are left out.
  ///
  /// - Throws: ``DataError`` naming the file and the place of the first problem.
  public init(_ paths: [String], encoding: TextEncoding = .utf8) throws(DataError) {
    var options = RecordOptions()
    options.encoding = encoding
    try self.init(paths, options)
  }

  /// Reads every path as the options say; a table is one only by `options.format`.
  ///
  /// - Throws: ``DataError`` naming the file and the place of the first problem.
  public init(_ paths: [String], _ options: RecordOptions) throws(DataError) {
    var reader = RecordReader(options)
    for entry in try TextFiles(paths).entries {
      do throws(DataError) {
        try readFile(entry.path, &reader)
      } catch {
        // A folder may hold pictures beside its texts; a file that was named may not.
        let isOther =
          switch error.kind {
          case .unsupported, .notARegularFile: true
          case .binary, .notUTF8: options.documentFormat(of: entry.path) == .text
          default: false
          }
        guard isOther, entry.isInFolder else { throw error }
        skippedFiles.append(entry.path)
      }
    }
    badLines = reader.badLines
    try badLines.check(paths)
    documents.removeAll(where: \.isEmpty)
    guard !documents.isEmpty else {
      throw DataError(
        .empty, "the data holds no text", file: paths.joined(separator: ", "),
        rule: "at least one document that is not empty",
        advice: skippedFiles.isEmpty
          ? nil : "\(skippedFiles.count) files without text were left out")
    }
  }

  /// What is known of documents that are not kept here.
  init(files: [String], skippedFiles: [String], badLines: BadLines) {
    self.files = files
    self.skippedFiles = skippedFiles
    self.badLines = badLines
  }

  /// All bytes of the documents.
  public var byteCount: Int { documents.reduce(0) { $0 + $1.count } }

  private mutating func readFile(_ path: String, _ reader: inout RecordReader) throws(DataError) {
    let options = reader.options
    let format = options.documentFormat(of: path)
    // Of a file that is refused nothing is kept.
    var found: [[UInt8]] = []
    try memory.withBytes(of: path) { (bytes) throws(DataError) in
      if options.encoding == .utf8 || format == .jsonl { try refuseForeignMark(bytes, path) }
      if format != .text {
        try reader.read(bytes, path, format, fields: [options.fields.text]) {
          (record) throws(DataError) in
          found.append(try record.text(options.fields.text))
        }
      } else if options.encoding == .utf8 {
        try Self.check(bytes, path)
        found.append(Array(withoutMark(bytes)))
      } else {
        found.append(Array(bytes))
      }
    }
    documents += found
    files.append(path)
  }

  private static func check(_ bytes: UnsafeRawBufferPointer, _ path: String) throws(DataError) {
    if let offset = firstOffset(of: 0, in: bytes, from: 0) {
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
}
