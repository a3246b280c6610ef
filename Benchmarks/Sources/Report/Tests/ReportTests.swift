import Foundation
import Testing
import Verdant

/// Results files and the page that is made of them.
@Suite struct ReportTests {
  private static let benchmarks = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// One steady row, better than the peer or not.
  private func row(_ name: String, ratio: Double?) -> ResultRow {
    ResultRow(
      name: name, precision: "f32", unit: "ms", ours: 2, oursPeakBytes: 1 << 20, limitShare: 0.5,
      peer: ratio.map { 2 * $0 }, peerName: ratio.map { _ in "Peer 1.0 (eager)" },
      peerPeakBytes: ratio.map { _ in 3 << 20 }, ratio: ratio, rounds: 3, discarded: 1)
  }

  @Test func pageMatchesResults() throws {
    let page = try String(
      contentsOf: Self.benchmarks.appendingPathComponent("../docs/benchmarks.md"), encoding: .utf8)
    let made = try Report(folder: Self.benchmarks.appendingPathComponent("results").path).text
    #expect(page == made, "run `scripts/bench docs`")
  }

  @Test func lossesAreListed() {
    let file = ResultsFile(
      machine: ["cpu": "Test", "cores": 2], date: "2026-01-02",
      rows: [row("good", ratio: 1.5), row("bad", ratio: 0.8), row("bad-as-installed", ratio: 2)])
    let text = Report([("ops", file)]).text
    #expect(text.contains("- `ops` `bad` f32: 0.80 times Peer 1.0 (eager) (2.00 against 1.60 ms)"))
    #expect(!text.contains("- `ops` `good`"))
    #expect(
      text.contains("| `bad` | f32 | 2.00 ms | 1.60 | **0.80** | 4.00 | 2.00 | 50 % | 1 | 3 |"))
    #expect(text.contains("discarded as unsteady in all: 2."))
    #expect(Report([]).text.contains("None of the measured cells."))
  }

  @Test func rowsAreReplacedInOrder() {
    var file = ResultsFile(
      machine: .null, date: "",
      rows: [row("one", ratio: 1), row("one-as-installed", ratio: 1), row("two", ratio: 1)])
    file.replace([row("one", ratio: 3), row("zero", ratio: 2)], order: ["zero f32", "one f32"])
    #expect(file.rows.map(\.name) == ["zero", "one", "one-as-installed", "two"])
    #expect(file.rows[1].ratio == 3)
  }

  @Test func filesReadBack() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("verdant-results-\(UUID().uuidString).json").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let rows = [row("one", ratio: 1.25), row("alone", ratio: nil)]
    try ResultsFile(machine: ["cpu": "Test"], date: "2026-01-02", rows: rows).write(to: path)
    let read = try ResultsFile(path: path)
    #expect(read.rows == rows && read.date == "2026-01-02" && read.machine["cpu"] == "Test")
    try #"{"rows": [{"name": "one"}]}"#.write(toFile: path, atomically: true, encoding: .utf8)
    let error = #expect(throws: DataError.self) { try ResultsFile(path: path) }
    #expect(error?.problems[0].description.contains("'precision'") == true)
  }

  @Test func digits() {
    #expect([1234.56, 0.00123456, 9999.6, 5, 0].map(rounded) == [1235, 0.001235, 10000, 5, 0])
  }
}
