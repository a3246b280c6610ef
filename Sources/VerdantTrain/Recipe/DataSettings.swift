public import VerdantBase
import VerdantModels
public import VerdantText

/// The section `data` of a recipe.
public struct DataSettings: Knobs {
  /// How text becomes tokens.
  public enum TokenizerChoice: KnobValue, Hashable {
    /// Every byte is a token.
    case bytes
    /// As a file `tokenizer.json` says, or the one of a folder.
    case file(String)

    /// A word or a path.
    public static var expectation: String { "'bytes', or the path of a tokenizer.json" }

    /// Reads a word or a path.
    public static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
      -> TokenizerChoice?
    {
      guard let text = json.stringValue, !text.isEmpty else {
        reader.wrongType(json, expected: expectation, at: path)
        return nil
      }
      return text == ByteTokenizer.kind ? .bytes : .file(text)
    }

    /// The value as it is written to a file.
    public var json: JSONValue {
      switch self {
      case .bytes: .string(ByteTokenizer.kind)
      case .file(let path): .string(path)
      }
    }

    /// The tokenizer.
    ///
    /// - Throws: ``TokenizerError`` when the file is missing or cannot be used.
    public func load() throws(TokenizerError) -> any Tokenizer {
      switch self {
      case .bytes: ByteTokenizer()
      case .file(let path): try PretrainedTokenizer(fileOrFolder: path)
      }
    }
  }

  /// What a record of the data is.
  public enum RecordKind: String, KnobValue, CaseIterable {
    /// A document, every token of which is learnt.
    case text
    /// A prompt and its completion, which alone is learnt.
    case completion
    /// A text, or two, with a label.
    case labeled
    /// An image with a label, in CIFAR-10's binary form.
    case image
  }

  /// Training text.
  public var train: [String] = []
  /// The share of each part of the training text; nil to read all parts as one.
  public var weights: [Double]?
  /// Validation text.
  public var validation: [String]?
  /// The share of the training text set aside when no validation text is given.
  public var validationFraction = 0.1
  /// How text becomes tokens.
  public var tokenizer = TokenizerChoice.bytes
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
  /// Whether training sees half of the images from behind.
  public var flipsImages = false
  /// What happens to a record that cannot be used.
  public var onBadLine = BadLinePolicy.stop
  /// A folder that keeps tokens for later runs.
  public var cache: String?
  /// Batches prepared beside the computation.
  public var prefetch = 2

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<DataSettings>] {
    [
      Knob(
        "train", \.sources,
        "text files, folders or .jsonl files with a field 'text'; with weights they are mixed"),
      Knob("validation", \.validation, "the same, for evaluation"),
      Knob(
        "validation_fraction", \.validationFraction, 0...0.9,
        "share of the training text set aside when no validation text is given"),
      Knob("tokenizer", \.tokenizer, "how text becomes tokens"),
      Knob("encoding", \.encoding, "how bytes are checked; 'bytes' takes any"),
      Knob(
        "records", \.records,
        "what a record is; after a prompt the completion alone is learnt, labeled ones and images are classified"
      ),
      Knob(
        "format", \.format,
        "how files are read; auto takes the ending: .jsonl, and but for text also .csv and .tsv"),
      Knob("fields", \.fields, "names of the fields, or numbers of the columns, of a record"),
      Knob("header", \.hasHeader, "whether the first row of a table names its columns"),
      Knob("flip_images", \.flipsImages, "whether training mirrors half of the images"),
      Knob(
        "on_bad_line", \.onBadLine,
        "what a record that cannot be used does; skip counts them and allows one in a hundred"),
      Knob("cache", \.cache, "a folder that keeps tokens for later runs; null for none"),
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

  /// The training text with its weights, as it stands in a recipe.
  var sources: [WeightedPath] {
    get {
      train.enumerated().map { index, path in
        WeightedPath(path: path, weight: weights.flatMap { index < $0.count ? $0[index] : nil })
      }
    }
    set {
      train = newValue.map(\.path)
      // A part without its weight gets none that could be overlooked; `check` names it.
      weights =
        newValue.contains { $0.weight != nil } ? newValue.map { $0.weight ?? .nan } : nil
    }
  }

  /// Reports parts of the training text that contradict each other.
  func check(_ reader: inout SettingsReader) {
    if cache != nil && records != .text {
      reader.report(
        .inconsistent, "\(records.rawValue) records have no cache", at: "data.cache",
        rule: "tokens are kept for data.records: text", advice: "leave data.cache out")
    }
    guard let weights else { return }
    let wrong = weights.indices.filter { !(weights[$0] > 0 && weights[$0].isFinite) }
    guard weights.count == train.count, wrong.isEmpty else {
      reader.report(
        .inconsistent, "not every part of the training text has a weight",
        at: wrong.first.map { "data.train[\($0)]" } ?? "data.train",
        rule: "all of them are mappings with the keys 'path' and 'weight', or none is")
      return
    }
  }
}

/// A path, or a path with its share of the samples.
struct WeightedPath: KnobValue {
  var path: String
  var weight: Double?

  static var expectation: String { "a path, or a mapping with the keys 'path' and 'weight'" }

  static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> WeightedPath?
  {
    guard let object = json.objectValue else {
      return String.read(json, at: path, &reader).map { WeightedPath(path: $0) }
    }
    let before = reader.problems.count
    var value = WeightedPath(path: "")
    for (key, json) in object {
      let place = reader.join(path, key)
      switch key {
      case "path": value.path = String.read(json, at: place, &reader) ?? ""
      case "weight": value.weight = reader.number(json, in: 1e-9...1e9, at: place)
      default: reader.unknown(key, at: path, known: ["path", "weight"])
      }
    }
    if object["path"] == nil {
      reader.report(.missingKey, "no path is given", at: path, rule: "\(expectation) expected")
    }
    return reader.problems.count == before ? value : nil
  }

  var json: JSONValue {
    guard let weight else { return .string(path) }
    return ["path": .string(path), "weight": weight.isFinite ? .number(weight) : .null]
  }
}
