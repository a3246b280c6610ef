/// A model file, checkpoint or index that cannot be used.
public struct CheckpointError: ClassifiedError {
  /// The class of a problem.
  public enum Kind: String, ErrorClass, CaseIterable {
    /// A file too short for its length field.
    case headerTooSmall
    /// A header beyond the limit.
    case headerTooLarge
    /// A header length that reaches beyond the end of the file.
    case headerLengthBeyondFile
    /// A header that is not valid UTF-8.
    case headerNotUTF8
    /// A header that is not one JSON object.
    case headerNotJSON
    /// A name or key that appears twice.
    case duplicateName
    /// A name that is empty, too long or has forbidden characters.
    case invalidName
    /// A tensor entry that lacks a part or has one of the wrong type.
    case invalidEntry
    /// Metadata that is not an object of strings.
    case invalidMetadata
    /// A type name that does not exist.
    case unknownDType
    /// A shape beyond the limit of dimensions.
    case tooManyDimensions
    /// Sizes whose product or sum is out of range.
    case sizeOverflow
    /// A byte range that does not fit the shape and type.
    case sizeMismatch
    /// Byte ranges that overlap, leave a hole or run backwards.
    case overlapOrHole
    /// A file longer or shorter than its tensors.
    case lengthMismatch
    /// More tensors than the limit.
    case tooManyTensors
    /// A file beyond its limit.
    case tooLarge
    /// A file that is not there.
    case missingFile
    /// A folder, pipe or device in the place of a file.
    case notARegularFile
    /// Tensors that the model needs and the file lacks.
    case missingTensors
    /// Tensors in the file that the model does not have.
    case unexpectedTensors
    /// A tensor of another shape than the model needs.
    case misshapenTensor
    /// A type that is known but not computed with.
    case unsupportedDType
    /// A manifest that does not describe its files.
    case invalidManifest
    /// An index that does not describe its shards.
    case invalidIndex
    /// Content that does not match its hash.
    case damaged
    /// Parts that do not belong together.
    case wrongRun
    /// A format version from the future.
    case newerVersion
    /// An output that exists already.
    case outputExists
    /// Data given to a writer that does not match what was announced.
    case incompleteWrite
    /// A failed read or write.
    case io

    /// The exit status that belongs to the class.
    public var code: ExitCode {
      switch self {
      case .missingFile: .missingInput
      case .outputExists: .cannotCreate
      case .incompleteWrite: .internalError
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
      case .exists: .outputExists
      case .changed: .lengthMismatch
      case .tooLarge: .tooLarge
      default: .io
      }
    self.init(kind, error.report)
  }
}
