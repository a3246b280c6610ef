import ArgumentParser
import Verdant

/// `verdant runs`.
struct Runs: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List run folders with their state.",
    discussion: """
      A run is running (a process holds it), finished, stopped (by a signal, after saving), failed \
      (by an error), or interrupted (cut off). 'verdant train --resume RUN' goes on from the \
      checkpoint that is shown.
      """
  )

  @Argument(help: "A folder of runs, or one run.", completion: .directory)
  var folder = "runs"

  @OptionGroup(title: "Output")
  var output: OutputOptions

  func run() throws {
    let runs = try RunDescription.all(in: folder)
    if output.json { return try Console.result(.array(runs.map(\.json))) }
    guard !runs.isEmpty else {
      if !output.quiet { Console.error("no runs in \(escaped(folder))") }
      return
    }
    var table = Table(["run", "state", "step", "loss", "bits per byte", "checkpoint", "begun"])
    for run in runs {
      let steps = run.steps.map { "/" + Format.count($0) } ?? ""
      table.add([
        escaped(run.path, limit: 60), run.state.rawValue,
        run.step.map { Format.count($0) + steps } ?? "–",
        run.loss.map { Format.fixed($0, 4) } ?? "–",
        run.bitsPerByte.map { Format.fixed($0, 4) } ?? "–",
        run.checkpointStep.map { Format.count($0) } ?? "–",
        escaped(run.created ?? "–", limit: 20),
      ])
    }
    try Console.result(table.text)
  }
}
