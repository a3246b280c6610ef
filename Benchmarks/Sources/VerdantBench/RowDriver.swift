import Verdant

/// Measures one row: ours and the peer in turn, each in a process of its own.
struct RowDriver {
  /// Reference products before and after a pair differ by at most this.
  static let tolerance = 0.05

  let suite: Suite
  let row: BenchmarkRow
  let limits: MachineLimits
  /// Nil to measure ours alone.
  let peers: PeerEnvironment?
  let rounds: Int

  /// One round that counts.
  private struct Round {
    let ours: Figure
    let theirs: [PeerVariant: Figure]
  }

  /// The row and, with a peer, the row against the peer as installed; empty when no round was
  /// steady.
  func measured() throws -> [ResultRow] {
    let contenders = try peers.map { try chosenVariants($0) } ?? []
    var kept: [Round] = []
    var discarded = 0
    while kept.count < rounds && kept.count + discarded < 2 * rounds {
      let before = try reference()
      let round = try self.round(contenders, isReversed: (kept.count + discarded) % 2 == 1)
      let after = try reference()
      let change = (after - before).magnitude / before
      if change > Self.tolerance {
        discarded += 1
      } else {
        kept.append(round)
      }
      let theirs = contenders.map { figure(round.theirs[$0]) }.joined(separator: ", ")
      note(
        "  ours \(figure(round.ours))" + (theirs.isEmpty ? "" : ", peer \(theirs)")
          + " \(row.unit.rawValue)" + (change > Self.tolerance ? " (discarded: unsteady)" : ""))
    }
    guard !kept.isEmpty else {
      note("  no round was steady: \(row.key) has no result")
      return []
    }
    return try results(kept, contenders, discarded: discarded)
  }

  private func figure(_ figure: Figure?) -> String {
    figure.map { "\(rounded($0.value))" } ?? "–"
  }

  private func reference() throws -> Double {
    guard let value = try ChildProcess.own(["reference"])["value"]?.doubleValue else {
      throw ChildProcess.Failure(text: "the reference product gave no figure")
    }
    return value
  }

  private func round(_ contenders: [PeerVariant], isReversed: Bool) throws -> Round {
    func ours() throws -> Figure {
      try Figure(ChildProcess.own(["row", suite.name, row.name, row.precision.rawValue]))
    }
    func theirs() throws -> [PeerVariant: Figure] {
      guard let peers else { return [:] }
      return Dictionary(
        uniqueKeysWithValues: try contenders.map { ($0, try peers.run(row, $0)) })
    }
    if isReversed {
      let second = try theirs()
      return Round(ours: try ours(), theirs: second)
    }
    let first = try ours()
    return Round(ours: first, theirs: try theirs())
  }

  /// All variants when they are few; else the best of short trials, and the best as installed.
  private func chosenVariants(_ peers: PeerEnvironment) throws -> [PeerVariant] {
    let available = suite.variants.filter(peers.has)
    guard available.count > 2 else { return available }
    var trials: [(variant: PeerVariant, value: Double)] = []
    for variant in available {
      do {
        let value = try peers.run(row, variant, trial: true).value
        trials.append((variant, value))
        note("  trial of \(variant.name): \(rounded(value)) \(row.unit.rawValue)")
      } catch let failure as ChildProcess.Failure {
        note("  trial of \(variant.name) failed: \(failure)")
      }
    }
    func best(_ list: [(variant: PeerVariant, value: Double)]) -> PeerVariant? {
      list.max { row.unit.isBetter($1.value, than: $0.value) }?.variant
    }
    let chosen = [best(trials), best(trials.filter { $0.variant.hasVendorCheck })]
    let variants = chosen.compactMap { $0 }.reduce(into: [PeerVariant]()) { list, variant in
      if !list.contains(variant) { list.append(variant) }
    }
    guard !variants.isEmpty else {
      throw ChildProcess.Failure(text: "no form of the peer runs \(row.key)")
    }
    return variants
  }

  private func results(_ kept: [Round], _ contenders: [PeerVariant], discarded: Int) throws
    -> [ResultRow]
  {
    let ours = median(kept.map(\.ours.value))
    let alone = ResultRow(
      name: row.name, precision: row.precision.rawValue, unit: row.unit.rawValue, ours: ours,
      oursPeakBytes: kept.map(\.ours.peakBytes).max() ?? 0,
      limitShare: try row.limitShare(of: ours, limits), rounds: kept.count, discarded: discarded)
    guard let peers else { return [alone] }
    func against(_ variant: PeerVariant, _ suffix: String) -> ResultRow {
      let figures = kept.compactMap { $0.theirs[variant] }
      var result = alone
      result.name += suffix
      result.peer = median(figures.map(\.value))
      result.peerName = peers.name(variant)
      result.peerPeakBytes = figures.map(\.peakBytes).max()
      // Of the same round: what slows the machine slows both.
      result.ratio = median(
        kept.compactMap { round in
          round.theirs[variant].map {
            row.unit.ratio(ours: round.ours.value, peer: $0.value)
          }
        })
      return result
    }
    func best(_ variants: [PeerVariant]) -> PeerVariant? {
      func value(_ variant: PeerVariant) -> Double {
        median(kept.compactMap { $0.theirs[variant]?.value })
      }
      return variants.max { row.unit.isBetter(value($1), than: value($0)) }
    }
    var list: [ResultRow] = []
    if let tuned = best(contenders) { list.append(against(tuned, "")) }
    if let plain = best(contenders.filter(\.hasVendorCheck)) {
      list.append(against(plain, ResultRow.asInstalledSuffix))
    }
    return list
  }
}
