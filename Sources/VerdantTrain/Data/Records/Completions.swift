public import VerdantBase

/// Prompts with the completions to learn, read from JSONL files and tables.
public struct Completions: Sendable {
  /// A prompt with its completion.
  public struct Example: Sendable, Equatable {
    /// What is given; may be empty.
    public let prompt: [UInt8]
    /// What is learnt.
    public let completion: [UInt8]
    /// Where the record begins.
    public let place: RecordPlace
  }

  /// The examples, in the order of the files.
  public let examples: [Example]
  /// The files that were read.
  public let files: [String]
  /// Files of folders that hold no records and were left out.
  public let skippedFiles: [String]
  /// The records that could not be used.
  public let badLines: BadLines

  /// Reads every path: a file, or a folder with all its files.
  ///
  /// - Throws: ``DataError`` naming the file and the place of the first problem.
  public init(_ paths: [String], _ options: RecordOptions = RecordOptions()) throws(DataError) {
    let fields = options.fields
    var found: [Example] = []
    let read = try RecordFiles(paths, options, fields: [fields.prompt, fields.completion]) {
      (record) throws(DataError) in
      found.append(
        Example(
          prompt: try record.text(fields.prompt),
          completion: try record.content(fields.completion), place: record.place))
    }
    guard !found.isEmpty else { throw noRecords(paths, read.skippedFiles) }
    examples = found
    files = read.files
    skippedFiles = read.skippedFiles
    badLines = read.badLines
  }
}
