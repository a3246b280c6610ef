/// A file or folder that cannot be opened, read, created or written.
public struct FileError: ClassifiedError {
  /// The class of a problem.
  public enum Kind: String, ErrorClass, CaseIterable {
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
    /// A folder in which another process writes.
    case busy
    /// Another failed read or write.
    case io

    /// The exit status that belongs to the class.
    public var code: ExitCode {
      switch self {
      case .missing, .notReadable: .missingInput
      case .notARegularFile, .symbolicLink, .invalidPath, .tooLarge: .badData
      case .exists, .cannotCreate: .cannotCreate
      case .outOfMemory: .insufficientResources
      case .busy: .busy
      default: .ioError
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
}
