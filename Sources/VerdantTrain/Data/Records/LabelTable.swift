public import VerdantBase
import VerdantIO

/// The classes of a classification: each name with its number.
public struct LabelTable: Sendable, Equatable {
  /// The names; the place of each is its number.
  public let names: [String]
  private let numbers: [ExactString: Int32]

  /// Makes the table of the names that were found: in the order of integers when all are, else
  /// by their bytes, so that it does not depend on the order of the records.
  public init(found names: some Sequence<String>) {
    let distinct = Set(names.map(ExactString.init)).map(\.string)
    let integers = distinct.compactMap { name in Int(name).flatMap { "\($0)" == name ? $0 : nil } }
    let sorted =
      integers.count == distinct.count
      ? integers.sorted().map { "\($0)" }
      : distinct.sorted { ExactString($0) < ExactString($1) }
    self.init(distinct: sorted)
  }

  /// Makes the table of names in their order; of equal names the last counts.
  public init(ordered names: [String]) { self.init(distinct: names) }

  private init(distinct names: [String]) {
    self.names = names
    var numbers: [ExactString: Int32] = [:]
    for (number, name) in names.enumerated() { numbers[ExactString(name)] = Int32(number) }
    self.numbers = numbers
  }

  /// The number of classes.
  public var count: Int { names.count }

  /// The number of a name; nil for one that is not in the table.
  public subscript(name: String) -> Int32? { numbers[ExactString(name)] }

  /// The number of a name.
  ///
  /// - Throws: ``DataError`` with the kind `unknownLabel`.
  func number(_ name: String, at place: RecordPlace) throws(DataError) -> Int32 {
    if let number = self[name] { return number }
    throw place.error(
      .unknownLabel, "the label '\(escaped(name))' is not known",
      rule: "one of \(names.prefix(20).map { escaped($0, limit: 40) }.joined(separator: ", "))",
      advice: nearest(to: name, in: names).map { "did you mean '\($0)'?" })
  }

  /// Writes the table as JSON, `{"labels": [...]}`.
  ///
  /// - Throws: ``FileError`` when there is something already or it cannot be written.
  public func write(to path: String, overwriting: Bool = false) throws {
    let object: JSONObject = ["labels": .array(names.map { .string($0) })]
    let file = try AtomicFile(path, overwriting: overwriting)
    try file.output.write(JSONWriter.bytes(of: .object(object), style: .pretty) + [10])
    try file.commit()
  }

  /// Reads a table that was written.
  ///
  /// - Throws: ``DataError`` when it is missing or no list of distinct names.
  public init(contentsOf path: String) throws(DataError) {
    let json: JSONValue
    do {
      json = try JSONValue(
        parsing: try readFile(path, limit: Limits.standard.configBytes), file: path)
    } catch let error as FileError {
      throw DataError(error)
    } catch let error as JSONError {
      throw DataError(.badLine, error.report, further: [])
    } catch {
      throw DataError(.io, "cannot read: \(error)", file: path)
    }
    let rule = "an object whose key 'labels' is a list of distinct names"
    guard let list = json["labels"]?.arrayValue else {
      throw DataError(.missingField, "no list 'labels'", file: path, rule: rule)
    }
    let names = list.compactMap(\.stringValue)
    guard names.count == list.count, !names.contains("") else {
      throw DataError(.wrongType, "a label that is no name", file: path, rule: rule)
    }
    guard Set(names.map(ExactString.init)).count == names.count else {
      throw DataError(.duplicateKey, "a label appears twice", file: path, rule: rule)
    }
    self.init(distinct: names)
  }
}
