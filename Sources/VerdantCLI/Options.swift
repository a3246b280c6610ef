import ArgumentParser
import Verdant

/// How results and progress are shown.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print the result as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print no progress.")
  var quiet = false

  @Flag(help: "Print errors as JSON objects.")
  var jsonErrors = false
}

/// What the work runs on.
struct RuntimeOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Threads; all cores by default.", valueName: "count"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...Compute.coreCount).contains(threads) {
      throw ValidationError("--threads \(threads): 1 to \(Compute.coreCount) on this machine.")
    }
  }

  /// Makes the settings take effect.
  func apply() {
    if let threads { Compute.threadCount = threads }
  }
}

/// The folder of a model, given as such or as the run that made it.
func modelPath(_ path: String) -> String { ModelFolder.resolve(path) }
