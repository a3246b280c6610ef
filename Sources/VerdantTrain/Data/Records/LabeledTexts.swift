public import VerdantBase

/// Texts, or pairs of texts, with their labels, read from JSONL files and tables.
public struct LabeledTexts: Sendable {
  /// One of them.
  public struct Example: Sendable, Equatable {
    /// The text.
    public let text: [UInt8]
    /// The second text of a pair.
    public let second: [UInt8]?
    /// The number of the label; -1 without labels.
    public let label: Int32
    /// Where the record begins.
    public let place: RecordPlace
  }

  /// The examples, in the order of the files.
  public let examples: [Example]
  /// The labels with their numbers.
  public let labels: LabelTable
  /// The files that were read.
  public let files: [String]
  /// Files of folders that hold no records and were left out.
  public let skippedFiles: [String]
  /// The records that could not be used.
  public let badLines: BadLines

  /// Reads every path: a file, or a folder with all its files.
  ///
  /// - Parameters:
  ///   - options: `fields.second` makes pairs, no `fields.label` texts without labels.
  ///   - labels: The known labels, such as those of the training text; nil makes the table of
  ///     those that are found.
  /// - Throws: ``DataError`` naming the file and the place of the first problem.
  public init(
    _ paths: [String], _ options: RecordOptions = RecordOptions(), labels known: LabelTable? = nil
  ) throws(DataError) {
    let fields = options.fields
    var found: [(example: Example, label: String?)] = []
    let read = try RecordFiles(
      paths, options, fields: [fields.text] + [fields.second, fields.label].compactMap(\.self)
    ) { (record) throws(DataError) in
      let text = try record.content(fields.text)
      var second: [UInt8]?
      if let field = fields.second { second = try record.content(field) }
      var label: String?
      var number: Int32 = -1
      if let field = fields.label {
        let name = try record.label(field)
        if let known { number = try known.number(name, at: record.place(of: field)) }
        label = name
      }
      found.append(
        (Example(text: text, second: second, label: number, place: record.place), label))
    }
    guard !found.isEmpty else { throw noRecords(paths, read.skippedFiles) }
    let table = known ?? LabelTable(found: found.compactMap(\.label))
    examples = found.map { example, label in
      Example(
        text: example.text, second: example.second, label: label.flatMap { table[$0] } ?? -1,
        place: example.place)
    }
    labels = table
    files = read.files
    skippedFiles = read.skippedFiles
    badLines = read.badLines
  }

  private init(
    _ examples: [Example], _ labels: LabelTable, _ files: [String], _ skippedFiles: [String],
    _ badLines: BadLines
  ) {
    self.examples = examples
    self.labels = labels
    self.files = files
    self.skippedFiles = skippedFiles
    self.badLines = badLines
  }

  /// Other examples of the same files.
  func with(_ examples: [Example]) -> LabeledTexts {
    LabeledTexts(examples, labels, files, skippedFiles, badLines)
  }
}

/// The error of data in which nothing was found.
func noRecords(_ paths: [String], _ skipped: [String]) -> DataError {
  DataError(
    .empty, "the data holds no record", file: paths.joined(separator: ", "),
    rule: "at least one record",
    advice: skipped.isEmpty ? nil : "\(skipped.count) files of other kinds were left out")
}
