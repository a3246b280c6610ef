/// A configuration, recipe or option that cannot be used.
public struct ConfigError: ClassifiedError {
  /// The class of a problem.
  public enum Kind: String, ErrorClass, CaseIterable {
    /// A key that nothing reads.
    case unknownKey
    /// A required key that is absent.
    case missingKey
    /// A value of another type than the key wants.
    case wrongType
    /// A value outside of the key's range.
    case outOfRange
    /// Values that contradict each other.
    case inconsistent
    /// Text that does not follow its syntax.
    case syntax
    /// A value that is known but not supported.
    case unsupported
    /// An output that exists already.
    case outputExists
    /// A configuration file that is not there.
    case missingFile
    /// A folder, pipe or device in the place of a configuration file, or a file beyond its limit.
    case notARegularFile
    /// A configuration file that cannot be read or written.
    case io
    /// A command line that cannot be understood.
    case usage
    /// Work that does not fit into memory or disk.
    case insufficientResources

    /// The exit status that belongs to the class.
    public var code: ExitCode {
      switch self {
      case .outputExists: .cannotCreate
      case .missingFile: .missingInput
      case .io: .ioError
      case .usage: .usage
      case .insufficientResources: .insufficientResources
      default: .inconsistentConfiguration
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

  /// Makes the error that a failed file access means here: what stands in the place of a
  /// configuration but is none is a wrong configuration, not wrong data.
  public init(_ error: FileError) {
    let kind: Kind =
      switch error.kind {
      case .missing, .notReadable, .invalidPath: .missingFile
      case .exists, .cannotCreate: .outputExists
      case .notARegularFile, .symbolicLink, .tooLarge: .notARegularFile
      case .outOfMemory: .insufficientResources
      default: .io
      }
    var report = error.report
    report.code = kind.code
    self.init(kind, report)
  }
}
