/// Training or evaluation data that cannot be used.
public struct DataError: ReportedError, Equatable {
  /// The class of a problem.
  public enum Kind: String, Sendable, CaseIterable {
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
      case .io: .ioError
      default: .badData
      }
    }
  }

  /// The class of the first problem.
  public let kind: Kind
  /// All problems, in the order in which they were found; never empty.
  public let problems: [ErrorReport]
  /// The first problem.
  public let report: ErrorReport

  /// Makes an error with one problem.
  ///
  /// - Parameters:
  ///   - kind: The class of the problem.
  ///   - what: What went wrong.
  ///   - file: The file concerned.
  ///   - place: A byte offset, `line N`, a JSON path or a tensor name.
  ///   - rule: The rule that is broken.
  ///   - advice: What to do.
  ///   - code: The exit status; by default the one of `kind`.
  public init(
    _ kind: Kind,
    _ what: String,
    file: String? = nil,
    place: String? = nil,
    rule: String? = nil,
    advice: String? = nil,
    code: ExitCode? = nil
  ) {
    self.init(
      kind,
      ErrorReport(
        code: code ?? kind.code,
        what: what,
        file: file,
        place: place,
        rule: rule,
        advice: advice
      )
    )
  }

  /// Makes an error from a report, with further problems found at the same time.
  public init(_ kind: Kind, _ report: ErrorReport, further: [ErrorReport] = []) {
    self.kind = kind
    self.report = report
    self.problems = [report] + further
  }

  /// Joins errors found in one pass; nil when there are none.
  public init?(collecting errors: [DataError]) {
    guard let first = errors.first else { return nil }
    self.init(
      first.kind,
      first.report,
      further: Array(first.problems.dropFirst()) + errors.dropFirst().flatMap(\.problems)
    )
  }

  /// Makes the error that a failed file access means here.
  public init(_ error: FileError) {
    let kind: Kind =
      switch error.kind {
      case .missing: .missing
      case .notARegularFile: .notARegularFile
      case .tooLarge: .tooLarge
      default: .io
      }
    self.init(kind, error.report)
  }
}
