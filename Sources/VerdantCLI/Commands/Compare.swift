import ArgumentParser
import Verdant

/// `verdant compare`.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put finished runs side by side.",
    discussion: "Differences are against the first run."
  )

  @Argument(help: "Run folders.", completion: .directory)
  var runs: [String]

  @OptionGroup(title: "Output")
  var output: OutputOptions

  /// A row of the comparison.
  private struct Figure: Sendable {
    let title: String
    let keys: [String]
    let text: @Sendable (Double) -> String
  }

  private static let figures = [
    Figure(title: "parameters", keys: ["parameters"]) { Format.count($0) },
    Figure(
      title: "FLOPs a token, forward", keys: ["forward_flops_per_token"], text: { Format.short($0) }
    ),
    Figure(
      title: "FLOPs a token, training", keys: ["training_flops_per_token"],
      text: { Format.short($0) }),
    Figure(title: "tokens trained on", keys: ["result", "tokens"]) { Format.count($0) },
    Figure(title: "training FLOPs", keys: ["training_flops"], text: { Format.short($0) }),
    Figure(title: "training loss, last step", keys: ["result", "loss"]) { Format.fixed($0, 4) },
    Figure(title: "validation loss", keys: ["result", "eval_loss"]) { Format.fixed($0, 4) },
    Figure(title: "bits per byte", keys: ["result", "bits_per_byte"]) { Format.fixed($0, 4) },
    Figure(title: "tokens/s", keys: ["result", "tokens_per_s"]) { Format.count($0) },
    Figure(
      title: "training time", keys: ["result", "training_seconds"], text: { Format.duration($0) }),
    Figure(title: "peak memory", keys: ["result", "peak_rss_bytes"]) { Format.bytes($0) },
  ]

  func run() throws {
    let records = try runs.map(Self.read)
    if output.json { return try Console.result(.array(records)) }
    let names = records.enumerated().map { index, record in
      record["name"]?.stringValue.map { escaped($0, limit: 40) } ?? runs[index]
    }
    var table = Table([""] + names)
    for figure in Self.figures {
      let values = records.map { Self.value($0, figure.keys) }
      guard values.contains(where: { $0 != nil }) else { continue }
      let cells = values.enumerated().map { index, value in
        guard let value else { return "–" }
        guard index > 0, let first = values[0], first != 0 else { return figure.text(value) }
        let change = (value / first - 1) * 100
        let sign = change >= 0.05 ? "+" : ""
        return "\(figure.text(value)) (\(sign)\(Format.fixed(change, 1)) %)"
      }
      table.add([figure.title] + cells)
    }
    try Console.result(table.text)
    let fingerprints = Set(records.map { $0["data"]?["fingerprint"]?.stringValue ?? "" })
    if fingerprints.count > 1 && !output.quiet {
      Console.error("note: the runs were trained on different texts")
    }
    let convention = records.first?["flops_convention"]?.stringValue ?? ModelCost.convention
    if !output.quiet { Console.error(Console.dim("FLOPs: \(escaped(convention))")) }
  }

  private static func read(_ path: String) throws -> JSONValue {
    let file = path + "/run.json"
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try readFile(file, limit: Limits.standard.configBytes)
    } catch {
      throw error.kind == .missing
        ? ConfigError(
          .missingFile, "no run is here", file: path, rule: "a run folder holds run.json")
        : ConfigError(error)
    }
    var record = try JSONValue(parsing: bytes, file: file)
    guard var object = record.objectValue else {
      throw ConfigError(.wrongType, "the file holds no object", file: file)
    }
    if let perToken = value(record, ["training_flops_per_token"]),
      let tokens = value(record, ["result", "tokens"])
    {
      let flops = perToken * tokens
      object["training_flops"] = flops.isFinite ? .number(flops) : .null
      record = .object(object)
    }
    return record
  }

  private static func value(_ record: JSONValue, _ keys: [String]) -> Double? {
    keys.reduce(Optional(record)) { $0?[$1] }?.doubleValue
  }
}
