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
      73 the output exists or cannot be made, 74 reading or writing failed, 75 another process \
      holds the run, 77 training diverged, 78 the configuration contradicts itself, 130 and 143 \
      stopped by a signal after saving.
      """,
    version: RunFolder.version,
    groupedSubcommands: [
      CommandGroup(
        name: "Models:",
        subcommands: [
          RecipeCommand.self, Train.self, Finetune.self, MergeAdapter.self, Eval.self,
          Generate.self, Classify.self,
          Embed.self, Convert.self, Export.self,
          TokenizerCommand.self,
        ]),
      CommandGroup(
        name: "Insight:", subcommands: [Runs.self, Inspect.self, Compare.self, Doctor.self]),
    ]
  )

  static func main() {
    // A reader that goes away or a full quota shows as an error of the write, not as a silent death.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    LostPages.endProcess {
      wantsJSONErrors ? (try? $0.json.serialized()) ?? "" : $0.description
    }
    do {
      var command = try parseAsRoot()
      try checkEnvironment()
      try command.run()
    } catch let error as any ReportedError {
      fail(error)
    } catch {
      let code = exitCode(for: error)
      if code.rawValue != 0, wantsJSONErrors {
        let report = ErrorReport(
          code: ExitCode(rawValue: code.rawValue) ?? .failure, what: message(for: error))
        Console.error((try? report.json.serialized()) ?? "")
        leave(report.code)
      }
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

  private static var wantsJSONErrors: Bool {
    CommandLine.arguments.contains("--json-errors")
  }

  private static func fail(_ error: any ReportedError) -> Never {
    for problem in error.problems {
      Console.error(wantsJSONErrors ? (try? problem.json.serialized()) ?? "" : problem.description)
    }
    leave(error.exitCode)
  }
}
