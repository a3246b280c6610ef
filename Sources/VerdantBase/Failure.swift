/// The exit status a program ends with for each class of outcome.
public enum ExitCode: Int32, Sendable, CaseIterable {
  /// Everything that was asked for is done.
  case done = 0
  /// A failure without a more exact class.
  case failure = 1
  /// The command line is wrong.
  case usage = 64
  /// Input data is invalid.
  case badData = 65
  /// An input is missing or cannot be opened.
  case missingInput = 66
  /// A bug in the program.
  case internalError = 70
  /// Memory, disk or another resource does not suffice; refused before the work started.
  case insufficientResources = 71
  /// The output exists already or cannot be created.
  case cannotCreate = 73
  /// Reading or writing failed.
  case ioError = 74
  /// Another process holds the lock; a retry may succeed.
  case busy = 75
  /// A remote side failed or broke its protocol.
  case remoteError = 76
  /// Training stopped as diverged.
  case diverged = 77
  /// The configuration contradicts itself or its data.
  case inconsistentConfiguration = 78
  /// Stopped by an interrupt after saving.
  case interrupted = 130
  /// Stopped by a request to terminate after saving.
  case terminated = 143

  /// The name of the class, as it appears in machine-readable errors.
  public var name: String { String(describing: self) }
}

/// What went wrong, where, which rule is broken and what to do: the content of every error.
public struct ErrorReport: Sendable, Equatable, CustomStringConvertible {
  /// The exit status that belongs to the error.
  public var code: ExitCode
  /// What went wrong, in one clause.
  public var what: String
  /// The file concerned, as the user named it.
  public var file: String?
  /// The place in the file: a byte offset, `line N`, a JSON path or a tensor name.
  public var place: String?
  /// The rule that is broken.
  public var rule: String?
  /// What to do about it.
  public var advice: String?

  /// Makes a report.
  ///
  /// Text that comes from input should have passed through ``escaped(_:limit:)`` before it is
  /// made part of a sentence, so that it is cut at a sensible length; control characters are
  /// escaped again whenever the report is rendered.
  public init(
    code: ExitCode,
    what: String,
    file: String? = nil,
    place: String? = nil,
    rule: String? = nil,
    advice: String? = nil
  ) {
    self.code = code
    self.what = what
    self.file = file
    self.place = place
    self.rule = rule
    self.advice = advice
  }

  /// The one-line form: `error[65]: what — file:place — rule — advice`, absent parts left out.
  public var description: String {
    var parts = [escaped(what, limit: Self.sentenceLimit)]
    switch (file, place) {
    case (let file?, let place?):
      parts.append("\(escaped(file, limit: Self.pathLimit)):\(escaped(place, limit: 300))")
    case (let file?, nil): parts.append(escaped(file, limit: Self.pathLimit))
    case (nil, let place?): parts.append(escaped(place, limit: 300))
    case (nil, nil): break
    }
    if let rule { parts.append(escaped(rule, limit: Self.sentenceLimit)) }
    if let advice { parts.append(escaped(advice, limit: Self.sentenceLimit)) }
    return "error[\(code.rawValue)]: " + parts.joined(separator: " — ")
  }

  /// The report as a JSON object with the keys `code`, `error`, `what` and those of the other
  /// parts that are present.
  public var json: JSONValue {
    var object = JSONObject()
    object["code"] = .integer(Int(code.rawValue))
    object["error"] = .string(code.name)
    object["what"] = .string(escaped(what, limit: Self.sentenceLimit))
    if let file { object["file"] = .string(escaped(file, limit: Self.pathLimit)) }
    if let place { object["place"] = .string(escaped(place, limit: 300)) }
    if let rule { object["rule"] = .string(escaped(rule, limit: Self.sentenceLimit)) }
    if let advice { object["advice"] = .string(escaped(advice, limit: Self.sentenceLimit)) }
    return .object(object)
  }

  private static let sentenceLimit = 1_000
  private static let pathLimit = 4_096
}

/// An error that knows its exit status and its one-line form.
public protocol ReportedError: Error, Sendable, CustomStringConvertible {
  /// The report of the first problem.
  var report: ErrorReport { get }
  /// The reports of all problems, in the order in which they were found; never empty.
  var problems: [ErrorReport] { get }
}

extension ReportedError {
  /// The single problem of an error that does not collect several.
  public var problems: [ErrorReport] { [report] }
  /// One line per problem.
  public var description: String {
    problems.map(\.description).joined(separator: "\n")
  }
  /// The exit status a program should end with.
  public var exitCode: ExitCode { report.code }
}

/// Makes text from input safe to print on one line of a terminal.
///
/// Control characters, the escape character of ANSI sequences, line and paragraph separators,
/// bidirectional controls, zero-width characters and tags become `\u{…}`. A text that was
/// escaped before stays as it is. Text beyond `limit` characters (Unicode scalars of the result)
/// is replaced by `…`.
public func escaped(_ text: String, limit: Int = 200) -> String {
  var result = ""
  var count = 0
  for scalar in text.unicodeScalars {
    var piece = String(scalar)
    var size = 1
    if isUnsafeToPrint(scalar) {
      piece = "\\u{\(String(scalar.value, radix: 16))}"
      size = piece.utf8.count
    }
    guard count + size <= limit else { return result + "…" }
    result += piece
    count += size
  }
  return result
}

/// Whether a scalar may move the cursor, reorder text or hide itself when printed.
///
/// True for C0 and C1 controls, DEL, separators U+2028/2029, bidirectional controls, zero-width
/// characters, the byte order mark and tag characters.
public func isUnsafeToPrint(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
    0xFFF9...0xFFFB, 0xE0000...0xE007F:
    true
  default: false
  }
}
