import Foundation
import Verdant

/// The page `docs/benchmarks.md`, made of all results files.
struct Report {
  private let suites: [(name: String, file: ResultsFile)]

  init(_ suites: [(name: String, file: ResultsFile)]) { self.suites = suites }

  /// Reads the files `*.json` of a folder, in the order of their names.
  init(folder: String) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".json") }.sorted()
    suites = try names.map {
      (String($0.dropLast(".json".count)), try ResultsFile(path: "\(folder)/\($0)"))
    }
  }

  /// The whole page.
  var text: String {
    var parts = [Self.head, losses]
    for (name, file) in suites { parts.append(section(name, file)) }
    parts.append(Self.foot)
    return parts.joined(separator: "\n\n") + "\n"
  }

  private static let head = """
    # Benchmarks

    Made by `scripts/bench docs` from `Benchmarks/results`; edit neither by hand.

    Each row runs here and in the peer in turn, each time in a process of its own; figures are medians, and
    a ratio is the median over rounds, above 1 where Verdant is better, whatever the unit. *Tuned* is the
    peer at its best, eager or compiled, with MKL's check of the vendor as installed or off. The limit
    is what the machine allows: operations by its fastest large product, or bytes by its speed of
    reading or adding large blocks, whichever takes longer; more than 100 % means that data stayed in the
    cache, or that the machine was slower when the limit was measured.
    """

  private static let foot = """
    ## Again

    ```
    scripts/bench --setup-peers      # once: the peers' environment
    scripts/bench SUITE              # measures, writes Benchmarks/results/SUITE.json
    scripts/bench docs               # writes this page
    ```

    [Benchmarks](../Benchmarks/README.md) lists the suites and the rules of a comparison.
    """

  /// Every cell in which the peer is better.
  private var losses: String {
    var lines: [String] = []
    for (suite, file) in suites {
      for row in file.rows {
        guard let ratio = row.ratio, ratio < 1 else { continue }
        let figures = "\(figure(row.ours)) against \(row.peer.map(figure) ?? "–") \(row.unit)"
        let peer = row.peerName.map(escapedCell) ?? "the peer"
        let name = "`\(suite)` `\(row.baseName)` \(row.precision)"
        lines.append("- \(name): \(decimals(ratio, 2)) times \(peer) (\(figures))")
      }
    }
    let list = lines.isEmpty ? "None of the measured cells." : lines.joined(separator: "\n")
    return "## Where the peer is better\n\n" + list
  }

  private func section(_ name: String, _ file: ResultsFile) -> String {
    var lines = ["## Suite `\(name)`", "", machine(file), ""]
    lines += [
      "| row | | ours | tuned peer | ratio | as installed | ratio | of the limit | peak MiB | peer's |",
      "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in file.rows where !row.isAsInstalled {
      let plain = file.rows.first {
        $0.isAsInstalled && $0.baseName == row.name && $0.precision == row.precision
      }
      let cells = [
        "`\(row.name)`", row.precision, "\(figure(row.ours)) \(row.unit)",
        row.peer.map(figure) ?? "–", ratio(row), plain?.peer.map(figure) ?? "–",
        plain.map(ratio) ?? "–", "\(decimals(100 * row.limitShare, 0)) %",
        mebibytes(row.oursPeakBytes), row.peerPeakBytes.map(mebibytes) ?? "–",
      ]
      lines.append("| " + cells.joined(separator: " | ") + " |")
    }
    let peers = Set(file.rows.filter { !$0.isAsInstalled }.compactMap(\.peerName)).sorted()
    if !peers.isEmpty {
      lines += ["", "Tuned peers: \(peers.map(escapedCell).joined(separator: "; "))."]
    }
    let rounds = file.rows.filter { !$0.isAsInstalled }
    let counts = rounds.map(\.rounds)
    if let least = counts.min(), let most = counts.max() {
      let range = least == most ? "\(least)" : "\(least) to \(most)"
      let discarded = rounds.reduce(0) { $0 + $1.discarded }
      lines += ["", "Rounds of a row: \(range); discarded as unsteady in all: \(discarded)."]
    }
    return lines.joined(separator: "\n")
  }

  private func machine(_ file: ResultsFile) -> String {
    let machine = file.machine
    func text(_ key: String) -> String { machine[key]?.stringValue ?? "?" }
    var parts = [
      file.date, text("cpu"), "\(machine["cores"]?.intValue ?? 0) cores", text("os"),
      "kernels \(text("isa"))", "products \(text("provider"))",
    ]
    for (name, version) in machine["peers"]?.objectValue ?? [:] {
      parts.append("\(name) \(version.stringValue ?? "?")")
    }
    let units = [
      ("f32_gflops", "f32 products", "GFLOP/s"), ("bf16_gflops", "bf16 products", "GFLOP/s"),
      ("read_gb_per_s", "memory", "GB/s"),
    ]
    for (key, name, unit) in units {
      if let value = machine["limits"]?[key]?.doubleValue {
        parts.append("\(name) \(figure(value)) \(unit)")
      }
    }
    return parts.map(escapedCell).joined(separator: " · ")
  }

  private func ratio(_ row: ResultRow) -> String {
    guard let ratio = row.ratio else { return "–" }
    return ratio < 1 ? "**\(decimals(ratio, 2))**" : decimals(ratio, 2)
  }

  private func figure(_ value: Double) -> String {
    decimals(value, value >= 100 ? 0 : value >= 10 ? 1 : 2)
  }

  private func mebibytes(_ bytes: Int) -> String { decimals(Double(bytes) / 1_048_576, 0) }

  private func decimals(_ value: Double, _ count: Int) -> String {
    String(format: "%.\(count)f", value)
  }

  private func escapedCell(_ text: String) -> String {
    text.replacingOccurrences(of: "|", with: "\\|")
  }
}
