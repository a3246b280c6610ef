public import VerdantBase

/// The section `data` of a recipe.
public struct DataSettings: Knobs {
  /// The tokenizers that exist.
  public enum TokenizerKind: String, KnobValue, CaseIterable {
    /// Every byte is a token.
    case bytes
  }

  /// What a record of the data is.
  public enum RecordKind: String, KnobValue, CaseIterable {
    /// A document, every token of which is learnt.
    case text
    /// A prompt and its completion, which alone is learnt.
    case completion
  }

  /// Training text.
  public var train: [String] = []
  /// Validation text.
  public var validation: [String]?
  /// The share of the training text set aside when no validation text is given.
  public var validationFraction = 0.1
  /// How text becomes tokens.
  public var tokenizer = TokenizerKind.bytes
  /// How bytes are checked.
  public var encoding = TextEncoding.utf8
  /// What a record is.
  public var records = RecordKind.text
  /// How the content of files is read.
  public var format = RecordFormat.auto
  /// The fields that hold the parts of a record.
  public var fields = RecordFields()
  /// Whether the first row of a table names its columns.
  public var hasHeader = true
  /// What happens to a record that cannot be used.
  public var onBadLine = BadLinePolicy.stop
  /// Batches prepared beside the computation.
  public var prefetch = 2

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<DataSettings>] {
    [
      Knob("train", \.train, "text files, folders or .jsonl files with a field 'text'"),
      Knob("validation", \.validation, "the same, for evaluation"),
      Knob(
        "validation_fraction", \.validationFraction, 0...0.9,
        "share of the training text set aside when no validation text is given"),
      Knob("tokenizer", \.tokenizer, "how text becomes tokens"),
      Knob("encoding", \.encoding, "how bytes are checked; 'bytes' takes any"),
      Knob(
        "records", \.records, "what a record is; after a prompt the completion alone is learnt"),
      Knob(
        "format", \.format,
        "how files are read; auto takes the ending: .jsonl, for completions also .csv and .tsv"),
      Knob("fields", \.fields, "names of the fields, or numbers of the columns, of a record"),
      Knob("header", \.hasHeader, "whether the first row of a table names its columns"),
      Knob(
        "on_bad_line", \.onBadLine,
        "what a record that cannot be used does; skip counts them and allows one in a hundred"),
      Knob("prefetch", \.prefetch, 0...1024, "batches prepared while others are computed"),
    ]
  }

  /// How records are found, checked and limited.
  public var recordOptions: RecordOptions {
    var options = RecordOptions()
    options.format = format
    options.fields = fields
    options.hasHeader = hasHeader
    options.onBadLine = onBadLine
    options.encoding = encoding
    return options
  }
}
