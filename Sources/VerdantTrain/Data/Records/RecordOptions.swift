public import VerdantBase

/// How the content of data files is read.
public enum RecordFormat: String, KnobValue, CaseIterable {
  /// By the ending of the name.
  case auto
  /// The whole file is one document.
  case text
  /// Each line is one JSON object.
  case jsonl
  /// A table with commas between its columns (RFC 4180).
  case csv
  /// A table with tabs between its columns, quoted as in RFC 4180.
  case tsv
}

/// What happens to a record that cannot be used.
public enum BadLinePolicy: String, KnobValue, CaseIterable {
  /// Reading ends with its error.
  case stop
  /// It is left out and counted; more than one in a hundred end the reading.
  case skip
}

/// The name of a field of JSON objects or of a table's column, or the number of a column.
public struct FieldName: KnobValue, Hashable, ExpressibleByStringLiteral,
  CustomStringConvertible
{
  /// The name, or the digits of the number.
  public let name: String

  /// Names a field.
  public init(_ name: String) { self.name = name }
  /// Names a field.
  public init(stringLiteral value: String) { name = value }
  /// The name.
  public var description: String { name }
  /// A name or a number.
  public static var expectation: String { "a name, or the number of a column" }
  /// The value as it is written to a file.
  public var json: JSONValue { .string(name) }

  /// Reads a name or a number.
  public static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> FieldName?
  {
    if let number = json.intValue, number > 0 { return FieldName("\(number)") }
    if let name = json.stringValue, !name.isEmpty { return FieldName(name) }
    reader.wrongType(json, expected: expectation, at: path)
    return nil
  }
}

/// The fields that hold the parts of a record.
public struct RecordFields: Knobs {
  /// The text.
  public var text: FieldName = "text"
  /// The second text of a pair; nil for single texts.
  public var second: FieldName?
  /// The label; nil for records without labels.
  public var label: FieldName? = "label"
  /// What a completion follows.
  public var prompt: FieldName = "prompt"
  /// What is learnt after a prompt.
  public var completion: FieldName = "completion"

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<RecordFields>] {
    [
      Knob("text", \.text, "the text"),
      Knob("second", \.second, "the second text of a pair"),
      Knob("label", \.label, "the label"),
      Knob("prompt", \.prompt, "what a completion follows"),
      Knob("completion", \.completion, "what is learnt after a prompt"),
    ]
  }
}

/// How records are found in files, checked and limited.
public struct RecordOptions: Sendable, Equatable {
  /// How the content is read.
  public var format = RecordFormat.auto
  /// The fields that hold the parts of a record.
  public var fields = RecordFields()
  /// Whether the first row of a table names its columns; without it fields are column numbers.
  public var hasHeader = true
  /// What happens to a record that cannot be used.
  public var onBadLine = BadLinePolicy.stop
  /// How the bytes of texts and tables are checked; JSON is UTF-8 always.
  public var encoding = TextEncoding.utf8
  /// Bytes of a line or row, and the nesting of JSON.
  public var limits = Limits.standard

  /// The defaults.
  public init() {}

  /// The format of a file of records; nil when its name does not tell.
  func recordFormat(of path: String) -> RecordFormat? {
    guard format == .auto else { return format == .text ? nil : format }
    return [.jsonl, .csv, .tsv].first { path.hasSuffix(".\($0.rawValue)") }
  }

  /// The format of a file of documents: a table only where the options say so, because text has
  /// any name.
  func documentFormat(of path: String) -> RecordFormat {
    guard format == .auto else { return format }
    return path.hasSuffix(".jsonl") ? .jsonl : .text
  }
}
