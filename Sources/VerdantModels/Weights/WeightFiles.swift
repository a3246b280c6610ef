import VerdantBase
import VerdantCore
import VerdantIO

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The tensors of a model folder: one file `model.safetensors`, or several with an index.
struct WeightFiles {
  /// The file, or the index.
  let path: String
  /// The tensors by name.
  private(set) var entries: [String: (file: SafetensorsFile, entry: TensorEntry)] = [:]
  /// What is odd but does no harm.
  private(set) var notices: [String] = []

  private static let fileName = "model.safetensors"
  private static let indexName = "model.safetensors.index.json"
  /// More files than any model has.
  private static let mostFiles = 4096

  /// Opens the files and checks their headers; no tensor is read.
  ///
  /// - Throws: ``CheckpointError`` when a file is missing or damaged, or the index does not describe
  ///   its files, with all of it.
  init(_ folder: String) throws(CheckpointError) {
    if Self.exists("\(folder)/\(Self.fileName)") {
      path = try modelFile(folder, Self.fileName)
      let file = try SafetensorsFile(path, followsLinks: false)
      for entry in file.entries { entries[entry.name] = (file, entry) }
      if Self.exists("\(folder)/\(Self.indexName)") {
        notices.append("\(Self.indexName) is not read: \(Self.fileName) is there as well")
      }
      return
    }
    guard Self.exists("\(folder)/\(Self.indexName)") else { throw Self.missing(folder) }
    path = try modelFile(folder, Self.indexName)
    try readShards(folder)
  }

  private static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  private static func missing(_ folder: String) -> CheckpointError {
    let isPickled = ["pytorch_model.bin", "pytorch_model.bin.index.json"].contains {
      exists("\(folder)/\($0)")
    }
    return CheckpointError(
      .missingFile, isPickled ? "only pickled weights" : "no such file",
      file: "\(folder)/\(fileName)",
      rule: isPickled ? "pickled files can run code and are not read" : nil,
      advice: isPickled
        ? "python -c \"from transformers import AutoModel as M; "
          + "M.from_pretrained('FOLDER').save_pretrained('OUT')\" writes safetensors"
        : "a model folder holds config.json and model.safetensors, or an index with its parts")
  }

  private mutating func readShards(_ folder: String) throws(CheckpointError) {
    let index = try readIndex()
    var names: [String: [String]] = [:]
    var problems: [CheckpointError] = []
    for (tensor, file) in index.map {
      guard let file = file.stringValue, isSafeFileName(file), file.hasSuffix(".safetensors") else {
        problems.append(
          CheckpointError(
            .invalidIndex, "the tensor is in no file of this folder", file: path,
            place: "weight_map.\(escaped(tensor))",
            rule: "the name of a file that ends with .safetensors"))
        continue
      }
      names[file, default: []].append(tensor)
    }
    guard names.count <= Self.mostFiles else {
      throw CheckpointError(
        .invalidIndex, "\(names.count) files", file: path, place: "weight_map",
        rule: "at most \(Self.mostFiles)")
    }
    for (name, tensors) in names.sorted(by: { $0.key < $1.key }) {
      do {
        let file = try SafetensorsFile(modelFile(folder, name), followsLinks: false)
        problems += add(file, tensors, index.map)
      } catch {
        problems.append(error)
      }
    }
    if let error = CheckpointError(collecting: problems) { throw error }
    let total = entries.values.reduce(0) { $0 + $1.entry.byteCount }
    if let size = index.size, size != total {
      notices.append("\(Self.indexName) says \(size) bytes, its files have \(total)")
    }
  }

  private func readIndex() throws(CheckpointError) -> (map: JSONObject, size: Int?) {
    let json: JSONValue
    do {
      let bytes = try readFile(path, limit: Limits.standard.safetensorsHeaderBytes)
      json = try JSONValue(parsing: bytes, file: path)
    } catch let error as FileError {
      throw CheckpointError(error)
    } catch {
      throw CheckpointError(.invalidIndex, "the file is no JSON: \(error)", file: path)
    }
    guard let map = json["weight_map"]?.objectValue, !map.isEmpty else {
      throw CheckpointError(
        .invalidIndex, "no tensors", file: path, place: "weight_map",
        rule: "an object of tensor names and file names")
    }
    return (map, json["metadata"]?["total_size"]?.intValue)
  }

  private mutating func add(_ file: SafetensorsFile, _ expected: [String], _ map: JSONObject)
    -> [CheckpointError]
  {
    var problems: [CheckpointError] = []
    let found = Set(file.entries.map { ExactString($0.name) })
    for name in expected where !found.contains(ExactString(name)) {
      problems.append(
        CheckpointError(
          .missingTensors, "the index names a tensor that the file lacks", file: file.path,
          place: "tensor \"\(escaped(name))\""))
    }
    for entry in file.entries {
      if entries[entry.name] != nil {
        problems.append(
          CheckpointError(
            .duplicateName, "the tensor is in two files", file: file.path,
            place: "tensor \"\(escaped(entry.name))\"", rule: "each is in one"))
      }
      if map[entry.name] == nil {
        notices.append("\(escaped(entry.name)) is in a file but not in \(Self.indexName)")
      }
      entries[entry.name] = (file, entry)
    }
    return problems
  }

  /// A tensor as numbers in f32.
  func tensor(_ name: String) throws -> Tensor {
    guard let found = entries[name] else {
      throw CheckpointError(
        .missingTensors, "the tensor is missing", file: path, place: "tensor \"\(escaped(name))\"")
    }
    return try found.file.tensor(named: found.entry.name)
  }
}
