/// Text that is not the JSON it should be, or a value that JSON cannot hold.
public struct JSONError: ReportedError, Equatable {
  /// The class of a problem.
  public enum Kind: String, Sendable, CaseIterable {
    /// The text ends inside a value, or is empty.
    case unexpectedEnd
    /// A byte that cannot stand at its place.
    case unexpectedByte
    /// Bytes after the value.
    case trailingBytes
    /// A byte order mark at the start.
    case byteOrderMark
    /// A key that appears twice in one object.
    case duplicateKey
    /// More nested lists and objects than the limit.
    case nestingTooDeep
    /// Bytes that are not valid UTF-8.
    case invalidUTF8
    /// Half of a surrogate pair in an escape.
    case loneSurrogate
    /// A control character inside a string.
    case controlCharacter
    /// An escape that does not exist.
    case invalidEscape
    /// A number that does not follow the syntax.
    case invalidNumber
    /// A number too large for `Double`, or not finite.
    case numberOutOfRange
    /// A text whose values would need many times its size in memory.
    case tooLarge
    /// A value of another type than its reader wants.
    case wrongType
  }

  /// The class of the problem.
  public let kind: Kind
  /// The offset of the first byte concerned, from the start of the text; 0 when writing.
  public let offset: Int
  /// The line of that byte, counted from 1; 0 when writing.
  public let line: Int
  /// The report.
  public let report: ErrorReport

  /// Makes an error at a byte of a text.
  public init(
    _ kind: Kind,
    _ what: String,
    offset: Int = 0,
    line: Int = 0,
    file: String? = nil,
    rule: String? = nil,
    advice: String? = nil
  ) {
    self.kind = kind
    self.offset = offset
    self.line = line
    report = ErrorReport(
      code: .badData,
      what: what,
      file: file,
      place: line > 0 ? "line \(line), byte \(offset)" : nil,
      rule: rule,
      advice: advice
    )
  }
}
