public import VerdantBase

/// A tokenizer file that cannot be used.
public struct TokenizerError: ClassifiedError {
  /// The class of a problem.
  public enum Kind: String, ErrorClass, CaseIterable {
    /// Text that is not the JSON it should be.
    case notJSON
    /// A required key that is absent.
    case missingKey
    /// A value of another type than the key wants.
    case wrongType
    /// A number or name outside of what the key allows.
    case outOfRange
    /// A kind of model, normalizer, pre-tokenizer, processor or decoder that does not exist.
    case unknownKind
    /// A pattern or option that is known in the format but not supported.
    case unsupported
    /// A token or id that appears twice, is out of range or malformed.
    case invalidVocabulary
    /// A merge that does not have two parts, or names tokens that do not exist.
    case invalidMerge
    /// An added token that is empty or contradicts the vocabulary.
    case invalidAddedToken
    /// A reference to a token that does not exist.
    case missingToken
    /// More entries or bytes than the limit.
    case tooLarge
    /// A file that is not there.
    case missingFile
    /// A folder, pipe or device in the place of a file.
    case notARegularFile
    /// A failed read or write.
    case io

    /// The exit status that belongs to the class.
    public var code: ExitCode {
      switch self {
      case .missingFile: .missingInput
      case .io: .ioError
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
      case .missing: .missingFile
      case .notARegularFile: .notARegularFile
      case .tooLarge: .tooLarge
      default: .io
      }
    self.init(kind, error.report)
  }

  /// Makes the error that malformed JSON means here.
  public init(_ error: JSONError) {
    self.init(error.kind == .tooLarge ? .tooLarge : .notJSON, error.report)
  }
}
