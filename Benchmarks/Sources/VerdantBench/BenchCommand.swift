import ArgumentParser
import Foundation
import Verdant

/// The program behind `scripts/bench`.
@main
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scripts/bench",
    abstract: "Measure Verdant against its peers on this machine.",
    subcommands: [
      Measure.self, Docs.self, RowCommand.self, LimitsCommand.self, ReferenceCommand.self,
    ],
    defaultSubcommand: Measure.self)

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as any ReportedError {
      for problem in error.problems { note(problem.description) }
      Foundation.exit(error.exitCode.rawValue)
    } catch {
      exit(withError: error)
    }
  }

  /// The repository: `scripts/bench` starts the program there.
  static var root: String { FileManager.default.currentDirectoryPath }

  static var results: String { root + "/Benchmarks/results" }
}

/// `scripts/bench docs`.
struct Docs: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write docs/benchmarks.md from all results.")

  func run() throws {
    try Report(folder: BenchCommand.results).text.write(
      toFile: BenchCommand.root + "/docs/benchmarks.md", atomically: true, encoding: .utf8)
  }
}

/// Our side of one row, in a process of its own so that its peak of memory is the row's.
struct RowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "row", shouldDisplay: false)

  @Argument var suite: String
  @Argument var name: String
  @Argument var precision: Precision

  func run() throws {
    guard let ours = Suite.named(suite)?.row(name, precision)?.ours else {
      throw ValidationError("no row '\(name)' in \(precision.rawValue) of the suite '\(suite)'")
    }
    let value = try ours()
    show(try Figure(value: value, peakBytes: Compute.peakResidentByteCount).json.serialized())
  }
}

/// The machine's limits.
struct LimitsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "limits", shouldDisplay: false)

  func run() throws { show(try MachineLimits.measured().json.serialized()) }
}

/// The product that shows whether the machine is steady.
struct ReferenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "reference", shouldDisplay: false)

  func run() throws {
    let value: JSONValue = ["value": .number(MachineLimits.reference())]
    show(try value.serialized())
  }
}
