public import VerdantBase
import VerdantIO

/// What stands in a run folder, for lists: read without the lock, changed by nothing.
public struct RunDescription: Sendable {
  /// Whether and how a run ended.
  public enum State: String, Sendable {
    /// A process holds the run.
    case running
    /// It came to its last step.
    case finished
    /// Someone stopped it.
    case stopped
    /// It ended by an error.
    case failed
    /// It was cut off: nobody holds it and it wrote no end.
    case interrupted
  }

  /// The folder.
  public let path: String
  /// Whether and how it ended.
  public let state: State
  /// When it began, as an ISO 8601 time; nil where the record is damaged.
  public let created: String?
  /// The last step in `metrics.jsonl`; nil before the first.
  public let step: Int?
  /// The steps of the recipe.
  public let steps: Int?
  /// Loss of the last step.
  public let loss: Double?
  /// Bits per byte of the last evaluation.
  public let bitsPerByte: Double?
  /// The newest checkpoint whose sizes are right: where `--resume` goes on.
  public let checkpointStep: Int?

  /// Reads a run folder; nil where there is none.
  public init?(_ path: String) {
    let file = path + "/run.json"
    guard
      let bytes = try? readFile(file, limit: Limits.standard.configBytes, followsLinks: false),
      let run = (try? JSONValue(parsing: bytes, file: file))?.objectValue,
      let written = run["state"]?.stringValue
    else { return nil }
    self.path = path
    created = run["created"]?.stringValue
    steps = run["steps"]?.intValue
    let isHeld = FolderLock.isHeld(path)
    state =
      isHeld ? .running : written == "running" ? .interrupted : State(rawValue: written) ?? .failed
    var last: (step: Int?, loss: Double?, bits: Double?) = (nil, nil, nil)
    for line in Self.lastLines(path + "/metrics.jsonl").reversed() {
      guard let line = (try? JSONValue(parsing: line))?.objectValue else { continue }
      let event = line["event"]?.stringValue
      if event == "step" && last.step == nil {
        last.step = line["step"]?.intValue
        last.loss = line["loss"]?.doubleValue
      }
      if event == "eval" && last.bits == nil { last.bits = line["bits_per_byte"]?.doubleValue }
    }
    step = last.step
    loss = last.loss
    bitsPerByte = last.bits ?? run["result"]?["bits_per_byte"]?.doubleValue
    let store = CheckpointStore(run: path)
    checkpointStep = store.steps.first {
      (try? store.checkpoint($0, readsContent: false)) != nil
    }
  }

  private static let tail = 1 << 18

  /// The last lines of a file that may be long.
  private static func lastLines(_ path: String) -> [[UInt8]] {
    guard let bytes = try? readEnd(ofFile: path, byteCount: tail) else { return [] }
    return bytes.split(separator: 10).map(Array.init)
  }

  /// The runs in a folder and the folders in it, the folder itself if it is one, by time.
  ///
  /// - Throws: ``FileError`` when the folder cannot be read.
  public static func all(in folder: String, depth: Int = 3) throws(FileError) -> [RunDescription] {
    if let run = RunDescription(folder) { return [run] }
    var found: [RunDescription] = []
    for name in try fileNames(in: folder) where !name.hasPrefix(".") && depth > 0 {
      found += (try? all(in: folder + "/" + name, depth: depth - 1)) ?? []
    }
    return found.sorted { ($0.created ?? "", $0.path) < ($1.created ?? "", $1.path) }
  }

  /// The description, by the names of `run.json`.
  public var json: JSONValue {
    func number(_ value: Double?) -> JSONValue { value.map(finite) ?? .null }
    func count(_ value: Int?) -> JSONValue { value.map(JSONValue.integer) ?? .null }
    return [
      "path": .string(path), "state": .string(state.rawValue),
      "created": created.map(JSONValue.string) ?? .null, "step": count(step),
      "steps": count(steps), "loss": number(loss), "bits_per_byte": number(bitsPerByte),
      "checkpoint_step": count(checkpointStep),
    ]
  }
}
