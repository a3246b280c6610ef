import VerdantBase
import VerdantCore
import VerdantIO

/// The records of several files and folders.
struct RecordFiles {
  private(set) var files: [String] = []
  private(set) var skippedFiles: [String] = []
  private(set) var badLines: BadLines

  /// Gives every record to a closure; what it throws is an error of that record.
  ///
  /// Of folders the files with other endings are left out.
  init(
    _ paths: [String], _ options: RecordOptions, fields: [FieldName],
    _ use: (Record) throws(DataError) -> Void
  ) throws(DataError) {
    var reader = RecordReader(options)
    badLines = reader.badLines
    var memory = DataMemory()
    for entry in try TextFiles(paths).entries {
      guard let format = options.recordFormat(of: entry.path) else {
        guard entry.isInFolder, options.format == .auto else {
          // What is not there has no format either.
          do throws(FileError) { _ = try RandomAccessFile(entry.path) } catch {
            throw DataError(error)
          }
          throw DataError(
            .unsupported, "records are not read from plain text", file: entry.path,
            rule: "the name ends with .jsonl, .csv or .tsv",
            advice: "data.format says how it is read in spite of its name")
        }
        skippedFiles.append(entry.path)
        continue
      }
      try memory.withBytes(of: entry.path) { (bytes) throws(DataError) in
        if options.encoding == .utf8 || format == .jsonl {
          try refuseForeignMark(bytes, entry.path)
        }
        try reader.read(bytes, entry.path, format, fields: fields, use)
      }
      files.append(entry.path)
    }
    badLines = reader.badLines
    try badLines.check(paths)
  }
}

/// Opens data files and refuses what will not fit into memory.
struct DataMemory {
  private var readBytes = 0

  /// Gives the bytes of a file that is no archive to a closure.
  mutating func withBytes(
    of path: String, _ body: (UnsafeRawBufferPointer) throws(DataError) -> Void
  ) throws(DataError) {
    do {
      let file = try MappedFile(path)
      // The bytes, and four for each of their tokens.
      let memory = Compute.physicalByteCount
      guard memory == 0 || file.count < memory / 5 - readBytes else {
        throw DataError(
          .tooLarge, "the data up to this file has \(readBytes) + \(file.count) bytes", file: path,
          rule: "text and tokens together fit into the \(memory) bytes of memory")
      }
      try file.withBytes { bytes in
        try refuseArchive(bytes, path)
        try body(bytes)
      }
      readBytes += file.count
    } catch {
      switch error {
      case let error as DataError: throw error
      case let error as FileError: throw DataError(error)
      default: throw DataError(.io, "cannot read: \(error)", file: path)
      }
    }
  }
}
