/// Training or evaluation data that cannot be used.
public struct DataError: ClassifiedError {
  /// The class of a problem.
  public enum Kind: String, ErrorClass, CaseIterable {
    /// A data file that is not there.
    case missing
    /// A folder, pipe or device in the place of a file.
    case notARegularFile
    /// Data without any content.
    case empty
    /// Binary content in the place of text.
    case binary
    /// Bytes that are not valid UTF-8.
    case notUTF8
    /// A line that does not follow the format.
    case badLine
    /// A record without a required field.
    case missingField
    /// A field of the wrong type.
    case wrongType
    /// A key that appears twice in one record.
    case duplicateKey
    /// A label outside of the known ones.
    case unknownLabel
    /// Fewer tokens or bytes than one sequence needs.
    case tooShort
    /// A file, line or record beyond its limit.
    case tooLarge
    /// More unusable records than the limit allows.
    case tooManyBadRecords
    /// Data that changed while it was read.
    case changed
    /// A format that is known but not supported.
    case unsupported
    /// A failed read or write.
    case io

    /// The exit status that belongs to the class.
    public var code: ExitCode {
      switch self {
      case .missing: .missingInput
      case .io, .changed: .ioError
      default: .badData
      }
    }
  }

  /// The class of the first problem.
  public let kind: Kind
  /// All problems, in the order in which they were found; never empty.
  public let problems: [ErrorReport]

  /// Makes an error from a report, with further problems found at the same time.
  public init(_ kind: Kind, _ report: ErrorReport, further: [ErrorReport]) {
    self.kind = kind
    self.problems = [report] + further
  }

  /// Makes the error that a failed file access means here.
  public init(_ error: FileError) {
    let kind: Kind =
      switch error.kind {
      case .missing: .missing
      case .notARegularFile: .notARegularFile
      case .tooLarge: .tooLarge
      case .changed: .changed
      default: .io
      }
    self.init(kind, error.report)
  }
}
