import ArgumentParser
import Foundation
import Verdant

/// `scripts/bench SUITE`.
struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a suite and write Benchmarks/results/SUITE.json.",
    discussion: "Suites: "
      + Suite.all.map { "\($0.name) (\($0.abstract))" }.joined(separator: ", ") + ".")

  @Argument(help: "The suite.")
  var suite: String

  @Option(help: ArgumentHelp("Rounds that count; the suite's own by default.", valueName: "count"))
  var rounds: Int?

  @Option(help: ArgumentHelp("Only rows whose name matches, such as 'gemm-*'.", valueName: "glob"))
  var rows: String?

  @Option(help: "Only rows of this precision.")
  var precision: Precision?

  @Flag(help: "Measure ours alone; nothing is written.")
  var noPeers = false

  func validate() throws {
    guard let suite = Suite.named(suite) else {
      let names = Suite.all.map(\.name).joined(separator: ", ")
      throw ValidationError("There is no suite '\(suite)'; suites are \(names).")
    }
    if let rounds, !(1...1000).contains(rounds) {
      throw ValidationError("--rounds \(rounds): 1 to 1000.")
    }
    if selected(suite).isEmpty {
      let names = Set(suite.rows.map(\.name)).sorted().joined(separator: ", ")
      throw ValidationError("No row matches; rows of '\(suite.name)' are \(names).")
    }
  }

  private func selected(_ suite: Suite) -> [BenchmarkRow] {
    suite.rows.filter { row in
      (rows.map { fnmatch($0, row.name, 0) == 0 } ?? true)
        && (precision.map { $0 == row.precision } ?? true)
    }
  }

  func run() throws {
    guard let suite = Suite.named(suite) else { return }
    let peers = noPeers ? nil : try PeerEnvironment(root: BenchCommand.root, suite.peer)
    note("measuring the machine's limits …")
    let measured = try ChildProcess.own(["limits"])
    guard let limits = MachineLimits(measured) else {
      throw ChildProcess.Failure(text: "the limits could not be read: \(measured)")
    }
    let machine = Machine.json(limits: measured, peers: peers?.versions)
    let path = "\(BenchCommand.results)/\(suite.name).json"
    var file = try stored(at: path, machine, suite)
    for row in selected(suite) {
      note("\(row.key)")
      guard row.ours != nil else {
        note("  skipped: the library does not train in \(row.precision.rawValue) yet")
        continue
      }
      let results = try RowDriver(
        suite: suite, row: row, limits: limits, peers: peers, rounds: rounds ?? suite.rounds
      ).measured()
      for result in results { show(line(result)) }
      guard peers != nil else { continue }
      // After each row: an interrupted run keeps what it measured.
      file.replace(results, order: suite.rows.map(\.key))
      try file.write(to: path)
    }
  }

  /// The results so far, when they are of this machine; a whole run drops rows that left the suite.
  private func stored(at path: String, _ machine: JSONValue, _ suite: Suite) throws -> ResultsFile {
    var file = ResultsFile(machine: machine, date: Machine.today)
    try FileManager.default.createDirectory(
      atPath: BenchCommand.results, withIntermediateDirectories: true)
    guard FileManager.default.fileExists(atPath: path) else { return file }
    let old = try ResultsFile(path: path)
    guard old.isOfSameMachine(machine) else {
      note("the stored results are of another machine; they are replaced")
      return file
    }
    let names = Set(suite.rows.map(\.key))
    file.rows = old.rows.filter { names.contains("\($0.baseName) \($0.precision)") }
    return file
  }

  private func line(_ row: ResultRow) -> String {
    var text = "\(row.name) \(row.precision): ours \(rounded(row.ours)) \(row.unit), "
    text += "\(Int((100 * row.limitShare).rounded())) % of the limit"
    if let peer = row.peer, let name = row.peerName, let ratio = row.ratio {
      text += ", \(name) \(rounded(peer)), ratio \(rounded(ratio))"
    }
    return text
  }
}
