/// The class of a problem, with the exit status that belongs to it.
public protocol ErrorClass: Sendable, Equatable {
  /// The exit status that belongs to the class.
  var code: ExitCode { get }
}

/// An error with a class that programs can match, and one or several reports.
public protocol ClassifiedError: ReportedError, Equatable {
  /// The classes.
  associatedtype Kind: ErrorClass
  /// The class of the first problem.
  var kind: Kind { get }
  /// Makes an error from a report, with further problems found at the same time.
  init(_ kind: Kind, _ report: ErrorReport, further: [ErrorReport])
}

extension ClassifiedError {
  /// The first problem.
  public var report: ErrorReport { problems[0] }

  /// Makes an error from a report.
  public init(_ kind: Kind, _ report: ErrorReport) { self.init(kind, report, further: []) }

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
        code: code ?? kind.code, what: what, file: file, place: place, rule: rule, advice: advice)
    )
  }

  /// Joins errors found in one pass; nil when there are none.
  public init?(collecting errors: [Self]) {
    guard let first = errors.first else { return nil }
    self.init(
      first.kind,
      first.report,
      further: Array(first.problems.dropFirst()) + errors.dropFirst().flatMap(\.problems)
    )
  }
}
