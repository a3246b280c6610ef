public import VerdantBase
import VerdantCore
import VerdantIO
import VerdantModels
public import VerdantNN
import VerdantText

/// A checkpoint on disk: a model folder with the optimizer's tensors, the rest of the state and a
/// manifest over all files.
public struct Checkpoint: Sendable {
  /// The folder.
  public let path: String
  /// Steps done.
  public let step: Int
  /// The mean loss of the evaluation after this step; nil when there was none.
  public let evaluationLoss: Double?
  /// The text that the run reads, by its fingerprint.
  public let dataFingerprint: String

  private static let format = 1
  private static let stateFile = "state.json"
  private static let optimizerFile = "optimizer.safetensors"
  private let state: JSONObject

  /// Reads a checkpoint without its tensors.
  ///
  /// - Parameter readsContent: Compares every byte with the manifest; else sizes alone.
  /// - Throws: ``CheckpointError`` when a file is missing, damaged or of a newer format.
  public init(_ path: String, readsContent: Bool = true) throws(CheckpointError) {
    self.path = path
    let manifest = try Manifest(folder: path)
    let names = Set(manifest.files.map(\.name))
    for name in ["config.json", "model.safetensors", Self.optimizerFile, Self.stateFile]
    where !names.contains(name) {
      throw CheckpointError(
        .invalidManifest, "the manifest has no file \(name)", file: path,
        rule: "a checkpoint has configuration, weights, optimizer and state")
    }
    try manifest.verify(path, readsContent: readsContent)
    let file = "\(path)/\(Self.stateFile)"
    state = try Self.read(file)
    guard state["format"]?.intValue == Self.format else {
      throw CheckpointError(
        .newerVersion, "the state has another format", file: file, place: "format",
        rule: "format \(Self.format) is known")
    }
    guard let step = state["step"]?.intValue, step == manifest.step, step >= 0 else {
      throw CheckpointError(
        .invalidManifest, "the state is not of the manifest's step", file: file, place: "step",
        rule: "step \(manifest.step)")
    }
    self.step = step
    evaluationLoss = state["evaluation_loss"]?.doubleValue
    dataFingerprint = state["data_fingerprint"]?.stringValue ?? ""
  }

  private static func read(_ path: String) throws(CheckpointError) -> JSONObject {
    do {
      let bytes = try readFile(path, limit: Limits.standard.configBytes, followsLinks: false)
      guard let object = try JSONValue(parsing: bytes, file: path).objectValue else {
        throw CheckpointError(.damaged, "the file holds no object", file: path)
      }
      return object
    } catch let error as CheckpointError {
      throw error
    } catch let error as FileError {
      throw CheckpointError(error)
    } catch {
      throw CheckpointError(.damaged, "the file is no JSON", file: path)
    }
  }

  /// Writes the files of a checkpoint; the folder appears when all are complete and durable.
  static func write(
    _ snapshot: Snapshot, fingerprint: String, history: [JSONValue], to path: String
  ) throws {
    // There may be one of the same step: damaged, or of a way that a rollback has left.
    let folder = try AtomicFolder(path, overwriting: true)
    try ModelFolder.write(
      snapshot.model, tokenizer: snapshot.tokenizer, labels: snapshot.labels, history: history,
      into: folder)
    try SafetensorsWriter.write(
      snapshot.optimizer.state.entries.map { ("\($0.slot).\($0.name)", $0.tensor) },
      into: folder, named: optimizerFile)
    var state: JSONObject = [
      "format": .integer(format), "step": .integer(snapshot.step),
      "optimizer": snapshot.optimizer.spec.json,
      "optimizer_steps": .integer(snapshot.optimizer.state.steps),
      "optimizer_tensors": .integer(snapshot.optimizer.state.entries.count),
      "data_fingerprint": .string(fingerprint), "watch": .object(snapshot.watch.json),
    ]
    if snapshot.owesEvaluation { state["owes_evaluation"] = true }
    if let loss = snapshot.evaluation?.loss, loss.isFinite {
      state["evaluation_loss"] = .number(loss)
    }
    try folder.write(
      JSONWriter.bytes(of: .object(state), style: .pretty) + [10], named: stateFile)
    try folder.writeManifest(step: snapshot.step)
    try folder.commit()
  }

  /// Loads the model, and the optimizer's state into an optimizer of the recipe.
  ///
  /// - Throws: ``CheckpointError`` when the checkpoint is not of this model or optimizer.
  func load(_ config: ModelConfig, into optimizer: any Optimizer) throws -> Snapshot {
    let folder = try ModelFolder(path)
    guard folder.model.config.json == config.json else {
      throw CheckpointError(
        .wrongRun, "the checkpoint is of another model", file: "\(path)/config.json",
        rule: "the model of the recipe")
    }
    let file = "\(path)/\(Self.stateFile)"
    guard state["optimizer"] == optimizer.spec.json else {
      throw CheckpointError(
        .wrongRun, "the checkpoint is of another optimizer", file: file, place: "optimizer",
        rule: "the optimizer of the recipe")
    }
    guard let steps = state["optimizer_steps"]?.intValue, steps >= 0, steps <= step else {
      throw CheckpointError(
        .damaged, "no number of optimizer steps", file: file, place: "optimizer_steps",
        rule: "0 to \(step)")
    }
    var restored = optimizer
    restored.state.steps = steps
    try readTensors(of: folder.model, into: &restored)
    return Snapshot(
      step: step, model: folder.model, optimizer: restored,
      watch: try StepWatch(state["watch"]?.objectValue ?? JSONObject(), file: file),
      tokenizer: folder.tokenizer, labels: folder.labels, evaluation: nil,
      owesEvaluation: state["owes_evaluation"] == true)
  }

  private func readTensors(of model: Transformer, into optimizer: inout any Optimizer) throws {
    let file = try SafetensorsFile("\(path)/\(Self.optimizerFile)", followsLinks: false)
    let slots = type(of: optimizer).slots
    var shapes: [String: Shape] = [:]
    model.forEachParameter { shapes[$0] = $1.value.shape }
    func wrong(
      _ kind: CheckpointError.Kind, _ what: String, _ entry: TensorEntry, _ rule: String
    ) -> CheckpointError {
      CheckpointError(
        kind, what, file: file.path, place: "tensor \"\(escaped(entry.name))\"", rule: rule)
    }
    for entry in file.entries {
      let parts = entry.name.split(separator: ".", maxSplits: 1).map(String.init)
      guard parts.count == 2, slots.contains(parts[0]), let shape = shapes[parts[1]] else {
        throw wrong(
          .unexpectedTensors, "the optimizer keeps no such tensor", entry,
          "\(slots.joined(separator: " or ")), and the name of a parameter")
      }
      guard entry.shape == Array(shape) else {
        throw wrong(
          .misshapenTensor, "the tensor has shape \(entry.shape)", entry,
          "shape \(shape) expected")
      }
      guard entry.dtype == .f32 else {
        throw wrong(
          .unsupportedDType, "the tensor has elements of type \(entry.dtype.name)", entry,
          "an optimizer's tensors are F32")
      }
      optimizer.state[parts[1], parts[0]] = try file.tensor(named: entry.name)
    }
    // Without this a tensor that is gone would begin again at zero.
    let expected = state["optimizer_tensors"]?.intValue
    guard expected == file.entries.count else {
      throw CheckpointError(
        .missingTensors, "the file has \(file.entries.count) tensors", file: file.path,
        rule: "\(expected.map(String.init) ?? "no number of them") in \(Self.stateFile)")
    }
  }
}
