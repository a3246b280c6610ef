public import VerdantBase

/// Where a record or one of its fields begins.
public struct RecordPlace: Sendable, Equatable, CustomStringConvertible {
  /// The file, as it was named or found.
  public let file: String
  /// The line, from 1.
  public let line: Int
  /// Bytes before it in its line.
  public let column: Int

  /// Makes a place.
  public init(file: String, line: Int, column: Int = 0) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// The place inside the file: `line 3, byte 10`.
  public var description: String { "line \(line), byte \(column)" }

  /// An error at this place.
  func error(
    _ kind: DataError.Kind, _ what: String, rule: String? = nil, advice: String? = nil
  ) -> DataError {
    DataError(kind, what, file: file, place: description, rule: rule, advice: advice)
  }
}
