import ArgumentParser
import Verdant

/// `verdant doctor`.
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what the machine offers and how fast it is.",
    discussion: "The measurement takes about 20 seconds; --fast leaves it out."
  )

  @Flag(help: "Leave the measurement out.")
  var fast = false

  @OptionGroup(title: "Output")
  var output: OutputOptions

  @OptionGroup(title: "Runtime")
  var runtime: RuntimeOptions

  func run() throws {
    runtime.apply()
    var report: JSONObject = [
      "version": .string(RunFolder.version), "processor": .string(Compute.processorName),
      "cores": .integer(Compute.coreCount), "threads": .integer(Compute.threadCount),
      "instruction_sets": .array(Compute.instructionSets.map { .string($0) }),
      "instruction_set": .string(Compute.instructionSet),
      "products": .string(Compute.productProvider),
      "bf16_products": .bool(Compute.hasBFloat16Products),
      "factorizations": .string(Compute.hasFactorizationLibrary ? "LAPACK" : "built-in"),
    ]
    let measured = fast ? nil : MachineSpeed.measured(progress: note)
    if let measured { report["measured"] = measured.json }
    if output.json { return try Console.result(.object(report)) }
    var lines = [
      "verdant          \(RunFolder.version)", "processor        \(Compute.processorName)",
      "threads          \(Compute.threadCount) of \(Compute.coreCount) cores",
      "kernels          \(Compute.instructionSet) "
        + "(runs: \(Compute.instructionSets.joined(separator: ", ")))",
      "products         \(Compute.productProvider)"
        + (Compute.hasBFloat16Products ? ", bf16 in hardware" : ", bf16 not in hardware"),
      "factorizations   \(Compute.hasFactorizationLibrary ? "LAPACK" : "built-in")",
    ]
    if let measured {
      lines.append("products f32     \(Format.fixed(measured.float32, 0)) GFLOP/s")
      lines.append(
        "products bf16    "
          + (measured.bfloat16.map { "\(Format.fixed($0, 0)) GFLOP/s" } ?? "none"))
      lines.append("reading memory   \(Format.fixed(measured.readGigabytes, 1)) GB/s over 1 GiB")
    }
    try Console.result(lines.joined(separator: "\n"))
  }

  private func note(_ text: String) {
    if !output.quiet { Console.error(Console.dim(text)) }
  }
}
