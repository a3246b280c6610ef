public import VerdantBase
import VerdantCore
import VerdantIO
import VerdantNN

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The checkpoints of a run: `checkpoints/step-000001000` and the file `latest`.
///
/// A new checkpoint is complete and durable before an old one goes: at no moment are there fewer
/// valid ones than two, once two were written.
public struct CheckpointStore: Sendable {
  /// The folder of the run.
  public let run: String
  /// How many of the newest stay.
  public let keepLast: Int
  /// How many of those with the lowest evaluation loss stay besides.
  public let keepBest: Int

  private static let prefix = "step-"

  /// The checkpoints of a run folder.
  public init(run: String, keepLast: Int = 2, keepBest: Int = 0) {
    self.run = run
    self.keepLast = max(2, keepLast)
    self.keepBest = max(0, keepBest)
  }

  /// The checkpoints of a run folder, with what its recipe keeps.
  init(_ run: String, _ recipe: Recipe) {
    self.init(
      run: run, keepLast: recipe.checkpoint.keepLast, keepBest: recipe.checkpoint.keepBest)
  }

  var folder: String { "\(run)/checkpoints" }

  /// The folder of a step: nine digits, so that names sort as numbers do.
  func path(step: Int) -> String {
    let digits = String(step)
    return "\(folder)/\(Self.prefix)" + String(repeating: "0", count: max(0, 9 - digits.count))
      + digits
  }

  /// The steps that have a folder, the newest first, whether valid or not.
  public var steps: [Int] {
    let names = (try? fileNames(in: folder)) ?? []
    return names.compactMap { name in
      guard name.hasPrefix(Self.prefix), let step = Int(name.dropFirst(Self.prefix.count)),
        step >= 0, path(step: step).hasSuffix("/" + name)
      else { return nil }
      return step
    }.sorted(by: >)
  }

  /// Saves a checkpoint, then removes those that need not stay.
  ///
  /// - Returns: Its folder.
  /// - Throws: ``FileError`` when it cannot be written; the old ones are untouched then.
  func save(_ snapshot: Snapshot, fingerprint: String, history: [JSONValue]) throws -> String {
    if mkdir(folder, 0o777) == 0 { try synchronizeFolder(run) }
    let target = path(step: snapshot.step)
    try checkSpace(snapshot)
    try Checkpoint.write(snapshot, fingerprint: fingerprint, history: history, to: target)
    try point(to: snapshot.step)
    try removeOld(upTo: snapshot.step)
    return target
  }

  private func checkSpace(_ snapshot: Snapshot) throws {
    var bytes = 1 << 16
    snapshot.model.forEachParameter { bytes += $1.value.byteCount }
    for entry in snapshot.optimizer.state.entries { bytes += entry.tensor.byteCount }
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return }
    let free = Double(status.f_bavail) * Double(status.f_frsize)
    guard free >= 1.2 * Double(bytes) else {
      throw FileError(
        .noSpace, "a checkpoint of \(byteText(Double(bytes))) has no room", file: folder,
        rule: "\(byteText(free)) are free; a fifth more than its size is wanted",
        advice: "free some space; the older checkpoints are still there")
    }
  }

  private func point(to step: Int) throws {
    let file = try AtomicFile("\(run)/latest", overwriting: true)
    try file.output.write("checkpoints/\(path(step: step).dropFirst(folder.utf8.count + 1))\n")
    try file.commit()
  }

  /// Removes what neither `keepLast` nor `keepBest` keeps. Those of later steps belong to a way that
  /// the run has left, by a rollback or past damage: they go, and never count.
  private func removeOld(upTo saved: Int) throws {
    for step in steps where step > saved { try removeOutput(path(step: step)) }
    let all = steps.map { step in
      (step: step, checkpoint: try? checkpoint(step, readsContent: false))
    }
    let valid = all.filter { $0.checkpoint != nil }
    var kept = Set(valid.prefix(keepLast).map(\.step))
    let best = valid.filter { $0.checkpoint?.evaluationLoss != nil }
      .sorted { ($0.checkpoint?.evaluationLoss ?? 0) < ($1.checkpoint?.evaluationLoss ?? 0) }
    kept.formUnion(best.prefix(keepBest).map(\.step))
    for (step, _) in all where !kept.contains(step) { try removeOutput(path(step: step)) }
  }

  /// Removes what an interrupted run left; the caller holds the run's lock.
  func removeUnfinished() {
    removeLeftovers(in: folder)
    removeLeftovers(in: run)
  }

  /// The checkpoint of a step.
  ///
  /// - Throws: ``CheckpointError`` as ``Checkpoint``, and for one that another folder was named after.
  func checkpoint(_ step: Int, readsContent: Bool = true) throws(CheckpointError) -> Checkpoint {
    let found = try Checkpoint(path(step: step), readsContent: readsContent)
    guard found.step == step else {
      throw CheckpointError(
        .wrongRun, "the checkpoint is of step \(found.step)", file: found.path,
        rule: "a folder is named after its step")
    }
    return found
  }

  /// The newest checkpoint of which every byte is as it was written.
  ///
  /// - Parameter passedOver: Gets the error of each newer one that is not.
  /// - Throws: ``CheckpointError`` when there is none.
  public func newestValid(
    before limit: Int = .max, passedOver: (CheckpointError) -> Void = { _ in }
  ) throws(CheckpointError) -> Checkpoint {
    for step in steps where step < limit {
      do throws(CheckpointError) {
        return try checkpoint(step)
      } catch { passedOver(error) }
    }
    throw CheckpointError(
      .missingFile, "there is no checkpoint to go on from", file: folder,
      rule: "one folder step-… with a valid \(Manifest.fileName)",
      advice: "start again with another --out; nothing was changed")
  }
}
