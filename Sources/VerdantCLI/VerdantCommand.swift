import ArgumentParser
import Verdant

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The tool `verdant`.
@main
struct VerdantCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verdant",
    abstract: "Make your Transformer cheaper, and see the proof.",
    discussion: """
      Results go to standard output, progress and errors to standard error. Exit codes: 0 done, \
      64 wrong use, 65 bad data, 66 missing input, 70 a bug, 71 not enough memory or disk, \
      73 the output exists or cannot be made, 74 reading or writing failed, 77 training \
      diverged, 78 the configuration contradicts itself, 130 and 143 stopped by a signal after \
      saving.
      """,
    version: RunFolder.version,
    groupedSubcommands: [
      CommandGroup(
        name: "Models:", subcommands: [RecipeCommand.self, Train.self, Eval.self, Generate.self]),
      CommandGroup(name: "Insight:", subcommands: [Inspect.self, Compare.self, Doctor.self]),
    ]
  )

  static func main() {
    // A reader that goes away shows as an error of the write, not as a silent death.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot()
      try checkEnvironment()
      try command.run()
    } catch let error as any ReportedError {
      fail(error)
    } catch {
      exit(withError: error)
    }
  }

  private static func checkEnvironment() throws(ConfigError) {
    guard !Compute.requestedInstructionSetIsMissing else {
      throw ConfigError(
        .usage, "this machine does not run the instruction set that VERDANT_ISA asks for",
        place: "VERDANT_ISA", rule: "one of \(Compute.instructionSets.joined(separator: ", "))")
    }
  }

  private static func fail(_ error: any ReportedError) -> Never {
    let asJSON = CommandLine.arguments.contains("--json-errors")
    for problem in error.problems {
      Console.error(asJSON ? (try? problem.json.serialized()) ?? "" : problem.description)
    }
    leave(error.exitCode)
  }
}
