public import VerdantBase

/// The records that could not be used, counted.
public struct BadLines: Sendable, Equatable {
  /// Records left out.
  public private(set) var count = 0
  /// All records, those left out among them.
  public private(set) var recordCount = 0
  /// The reports of the first ones.
  public private(set) var reports: [ErrorReport] = []

  private let policy: BadLinePolicy
  private static let mostReports = 5

  /// Counts nothing so far.
  public init(_ policy: BadLinePolicy = .stop) { self.policy = policy }

  /// What was counted earlier.
  init(count: Int, of recordCount: Int) {
    self.init()
    self.count = count
    self.recordCount = recordCount
  }

  /// Reads one record; its error is counted or thrown on, as the policy says.
  mutating func count(_ read: () throws(DataError) -> Void) throws(DataError) {
    recordCount += 1
    do throws(DataError) {
      try read()
    } catch {
      guard policy == .skip else { throw error }
      count += 1
      if reports.count < Self.mostReports { reports.append(error.report) }
    }
  }

  /// Adds what another reading counted.
  mutating func add(_ other: BadLines) {
    count += other.count
    recordCount += other.recordCount
    reports = Array((reports + other.reports).prefix(Self.mostReports))
  }

  /// Throws when more than one record in a hundred was left out.
  ///
  /// - Throws: ``DataError`` with the kind `tooManyBadRecords` and the first reports.
  public func check(_ paths: [String]) throws(DataError) {
    guard count > recordCount / 100 else { return }
    throw DataError(
      .tooManyBadRecords,
      ErrorReport(
        code: .badData, what: "\(count) of \(recordCount) records cannot be used",
        file: paths.joined(separator: ", "), rule: "at most one in a hundred is skipped",
        advice: "the first ones follow; data.fields and data.format may not fit the files"),
      further: reports)
  }
}
