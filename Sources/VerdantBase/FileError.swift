/// A file or folder that cannot be opened, read, created or written.
public struct FileError: ReportedError, Equatable {
  /// The class of a problem.
  public enum Kind: String, Sendable, CaseIterable {
    /// Nothing is there.
    case missing
    /// A folder, pipe, socket or device in the place of a file.
    case notARegularFile
    /// The file is there but may not be opened.
    case notReadable
    /// A symbolic link where none is followed, or a loop of links.
    case symbolicLink
    /// A path or name that cannot be used.
    case invalidPath
    /// A file beyond the limit of its reader.
    case tooLarge
    /// A file that became shorter while it was open.
    case changed
    /// An output that exists already.
    case exists
    /// An output that cannot be created.
    case cannotCreate
    /// No space or quota left, or a file beyond the largest size.
    case noSpace
    /// A buffer or mapping that the system does not grant.
    case outOfMemory
    /// Another failed read or write.
    case io

    /// The exit status that belongs to the class.
    public var code: ExitCode {
      switch self {
      case .missing, .notReadable: .missingInput
      case .notARegularFile, .symbolicLink, .invalidPath, .tooLarge, .changed: .badData
      case .exists, .cannotCreate: .cannotCreate
      case .outOfMemory: .insufficientResources
      default: .ioError
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
  public init?(collecting errors: [FileError]) {
    guard let first = errors.first else { return nil }
    self.init(
      first.kind,
      first.report,
      further: Array(first.problems.dropFirst()) + errors.dropFirst().flatMap(\.problems)
    )
  }
}
