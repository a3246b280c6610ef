public import VerdantBase
import VerdantCore
import VerdantIO
import VerdantModels
public import VerdantNN
import VerdantText

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The folder of a training run: `recipe.yaml` (every setting), `run.json` (origin and result),
/// `metrics.jsonl` (one line an event), `checkpoints/` and `model/`.
public final class RunFolder {
  /// The folder.
  public let path: String
  private var metrics: LineFile
  private let origin: JSONObject
  private let recipe: Recipe
  private let fingerprint: String
  private let tokenizer: any Tokenizer
  private let labels: [String]?
  private let lock: FolderLock
  private let store: CheckpointStore
  private var failuresInARow = 0
  private var sizes: JSONObject = [:]
  private var finalModelIsSaved = false

  /// The version of the program, as `run.json` names it.
  public static let version = "0.1.0"

  /// Makes the folder.
  ///
  /// - Throws: ``ConfigError`` with the kind `outputExists` when there is something already.
  public init(_ path: String, _ trainer: Trainer) throws {
    self.path = path
    recipe = trainer.recipe
    fingerprint = trainer.dataFingerprint
    tokenizer = trainer.tokenizer
    labels = trainer.labels
    try Self.makeFolder(path)
    lock = try FolderLock(path)
    store = CheckpointStore(path, recipe)
    origin = try Self.origin(trainer)
    metrics = try LineFile(path + "/metrics.jsonl")
    try writeRecipe()
    try write(state: "running", result: nil)
  }

  /// Goes on in the folder of a stopped run.
  ///
  /// - Throws: ``FileError`` when its files cannot be written.
  public init(_ stopped: StoppedRun, _ trainer: Trainer) throws {
    path = stopped.path
    recipe = trainer.recipe
    fingerprint = trainer.dataFingerprint
    tokenizer = trainer.tokenizer
    labels = trainer.labels
    lock = stopped.lock
    store = CheckpointStore(path, recipe)
    var origin = try Self.origin(trainer)
    for key in ["created", "machine"] {
      if let value = stopped.description[key] { origin[key] = value }
    }
    let before = stopped.description["resumed"]?.arrayValue ?? []
    let now: JSONValue = [
      "time": .string(Self.timestamp()), "step": .integer(trainer.step),
      "threads": .integer(Compute.threadCount),
    ]
    origin["resumed"] = .array(before + [now])
    self.origin = origin
    try LineFile.cut(path + "/metrics.jsonl", afterStep: trainer.step)
    metrics = try LineFile(path + "/metrics.jsonl", mayExist: true)
    try writeRecipe()
    try write(state: "running", result: nil)
    try metrics.append(
      .object([
        "event": "resumed", "time": .string(Self.timestamp()), "step": .integer(trainer.step),
      ]))
  }

  private func writeRecipe() throws {
    let text = try AtomicFile(path + "/recipe.yaml", overwriting: true)
    try text.output.write(RecipeFile.text(recipe))
    try text.commit()
  }

  /// Throws when something stands at the path already or its surroundings are missing.
  public static func checkFree(_ path: String) throws(ConfigError) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw ConfigError(
        .outputExists, "no output folder is given", file: path, rule: "a path is not empty")
    }
    var status = stat()
    guard lstat(path, &status) != 0 else {
      throw ConfigError(
        .outputExists, "the output exists already", file: path,
        rule: "a run gets a new folder", advice: "choose another --out, or remove it")
    }
  }

  private static func makeFolder(_ path: String) throws(ConfigError) {
    try checkFree(path)
    // The folders around it may be new as well: `--out runs/first` on the first day.
    let parts = path.split(separator: "/", omittingEmptySubsequences: true)
    var current = path.hasPrefix("/") ? "" : "."
    for (index, part) in parts.enumerated() {
      let around = current.isEmpty ? "/" : current
      current += "/" + part
      // Of two runs that begin at once only one makes the last folder.
      let mayExist = index < parts.count - 1
      if mkdir(current, 0o777) == 0 {
        do throws(FileError) { try synchronizeFolder(around) } catch { throw ConfigError(error) }
      } else if !(mayExist && errno == EEXIST) {
        throw ConfigError(
          .outputExists, "the folder cannot be made: \(String(cString: strerror(errno)))",
          file: current)
      }
    }
  }

  private static func origin(_ trainer: Trainer) throws -> JSONObject {
    try [
      "schema": 1, "version": .string(version), "created": .string(timestamp()),
      "seed": .integer(trainer.recipe.training.seed),
      "machine": [
        "processor": .string(Compute.processorName),
        "instruction_set": .string(Compute.instructionSet),
        "products": .string(Compute.productProvider), "threads": .integer(Compute.threadCount),
      ],
      "data": [
        "files": .array(trainer.documents.files.prefix(100).map { .string($0) }),
        "file_count": .integer(trainer.documents.files.count),
        "documents": .integer(trainer.training.documentCount),
        "bytes": .integer(trainer.training.byteCount),
        "fingerprint": .string(trainer.dataFingerprint),
      ],
    ]
  }

  private func write(state: String, result: JSONObject?) throws {
    var object = origin
    object["state"] = .string(state)
    object["name"] = .string(path.split(separator: "/").last.map(String.init) ?? path)
    object["flops_convention"] = .string(ModelCost.convention)
    for (key, value) in sizes { object[key] = value }
    if let result { object["result"] = .object(result) }
    let file = try AtomicFile(path + "/run.json", overwriting: true)
    try file.output.write(JSONWriter.bytes(of: .object(object), style: .pretty) + [10])
    try file.commit()
  }

  /// Appends an event to `metrics.jsonl`.
  public func record(_ event: TrainEvent) throws {
    var line: JSONObject = [:]
    line["event"] = .string(event.name)
    line["time"] = .string(Self.timestamp())
    switch event {
    case .started(let start):
      sizes = start.json
      for (key, value) in start.json { line[key] = value }
      for key in ["schema", "version", "seed", "machine"] { line[key] = origin[key] }
      line["config"] = recipe.json
      try write(state: "running", result: nil)
    case .step(let record):
      for (key, value) in record.json { line[key] = value }
    case .evaluated(let evaluation, let step):
      line["step"] = .integer(step)
      line["split"] = "validation"
      for (key, value) in evaluation.json { line[key] = value }
    case .saved(let path, let step):
      line["step"] = .integer(step)
      line["path"] = .string(path)
    case .skipped(let record, let reason):
      for (key, value) in record.json { line[key] = value }
      line["reason"] = .string(reason)
    case .rolledBack(let from, let to):
      line["step"] = .integer(to)
      line["from"] = .integer(from)
    }
    try metrics.append(.object(line))
  }

  private static let mostFailures = 3

  /// Saves a checkpoint, as `checkpoints/step-000000100`, and returns its folder.
  ///
  /// A checkpoint that has no room is left out with a notice: the run is worth more than one of
  /// them. The third in a row ends it.
  ///
  /// - Parameter mayFail: False where the run ends with this checkpoint.
  public func save(
    _ snapshot: Snapshot, mayFail: Bool = false, _ notice: (any Error) -> Void = { _ in }
  ) throws -> String? {
    do {
      let target = try store.save(
        snapshot, fingerprint: fingerprint, history: history(snapshot.step))
      failuresInARow = 0
      return target
    } catch let error as FileError where mayFail {
      failuresInARow += 1
      guard failuresInARow < Self.mostFailures else { throw error }
      notice(error)
      return nil
    }
  }

  /// The newest valid checkpoint of a step or an earlier one; nil when there is none.
  public func checkpoint(upTo step: Int) -> Checkpoint? {
    try? store.newestValid(before: step + 1)
  }

  /// Saves the final model, as `model`.
  public func saveFinal(_ model: Transformer, step: Int) throws {
    try ModelFolder.write(
      model, tokenizer: tokenizer, labels: labels, history: history(step),
      form: .automatic, to: path + "/model", overwriting: true)
    finalModelIsSaved = true
    // What still follows is an evaluation: a run that is killed in it has ended nevertheless.
    let isDone = sizes["steps"]?.intValue.map { step >= $0 } ?? false
    try write(state: isDone ? "finished" : "stopped", result: nil)
  }

  /// Saves the result, and the final model if that has not been done.
  public func finish(_ model: Transformer, _ result: TrainResult) throws {
    if !finalModelIsSaved { try saveFinal(model, step: result.steps) }
    try metrics.append(
      .object([
        "event": "end", "time": .string(Self.timestamp()), "step": .integer(result.steps),
        "tokens": .integer(result.tokens), "elapsed_s": finite(result.trainingSeconds),
      ]))
    try write(state: result.wasStopped ? "stopped" : "finished", result: result.json)
  }

  /// Records that the run ended without a model.
  public func fail(_ error: any Error) throws {
    let report = (error as? any ReportedError)?.report
    try write(state: "failed", result: ["error": .string(report?.what ?? "\(error)")])
  }

  private func history(_ step: Int) -> [JSONValue] {
    [
      [
        "operation": "train", "version": .string(Self.version), "steps": .integer(step),
        "recipe": recipe.json,
      ]
    ]
  }

  private static func timestamp() -> String {
    var now = time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
      + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
  }
}
