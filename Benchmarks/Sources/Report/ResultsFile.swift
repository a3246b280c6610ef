import Foundation
import Verdant

/// What a suite measured: `Benchmarks/results/SUITE.json`.
struct ResultsFile {
  var machine: JSONValue
  var date: String
  var rows: [ResultRow]

  init(machine: JSONValue, date: String, rows: [ResultRow] = []) {
    self.machine = machine
    self.date = date
    self.rows = rows
  }

  /// Reads a file.
  ///
  /// - Throws: ``JSONError`` and ``DataError`` when the content is not a results file.
  init(path: String) throws {
    let json = try JSONValue(
      parsing: Array(try Data(contentsOf: URL(fileURLWithPath: path))), file: path)
    machine = json["machine"] ?? .null
    date = json["date"]?.stringValue ?? ""
    rows = try (json["rows"]?.arrayValue ?? []).map { try ResultRow($0, file: path) }
  }

  /// Replaces rows of the same name and precision, then sorts all as in `order`.
  mutating func replace(_ new: [ResultRow], order: [String]) {
    let keys = Set(new.map(\.key))
    rows = rows.filter { !keys.contains($0.key) } + new
    func place(_ row: ResultRow) -> Int {
      let place = order.firstIndex(of: "\(row.baseName) \(row.precision)") ?? order.count
      return 2 * place + (row.isAsInstalled ? 1 : 0)
    }
    rows = rows.enumerated()
      .sorted { (place($0.element), $0.offset) < (place($1.element), $1.offset) }
      .map(\.element)
  }

  /// True when the other file's rows may stand beside these.
  func isOfSameMachine(_ other: JSONValue) -> Bool {
    machine["cpu"] == other["cpu"] && machine["cores"] == other["cores"]
  }

  func write(to path: String) throws {
    let json: JSONValue = [
      "machine": machine, "date": .string(date), "rows": .array(rows.map(\.json)),
    ]
    try (json.serialized(style: .pretty) + "\n").write(
      toFile: path, atomically: true, encoding: .utf8)
  }
}
