public import VerdantBase

/// What a folder of files must hold, byte for byte: `MANIFEST.json`, written last.
public struct Manifest: Sendable, Equatable {
  /// The name of the file.
  public static let fileName = "MANIFEST.json"
  private static let format = 1

  /// A file of the folder.
  public struct File: Sendable, Equatable {
    /// The name, a single component.
    public let name: String
    /// The size, in bytes.
    public let byteCount: Int
    /// SHA-256, as 64 hexadecimal digits.
    public let digest: String

    /// Describes a file.
    public init(name: String, byteCount: Int, digest: String) {
      self.name = name
      self.byteCount = byteCount
      self.digest = digest
    }
  }

  /// The step that the files belong to.
  public let step: Int
  /// The files, in the order in which they were written.
  public let files: [File]

  /// Describes files.
  public init(step: Int, files: [File]) {
    self.step = step
    self.files = files
  }

  /// The text of the file: the same for the same content, so that any other text is damage.
  func bytes() throws(JSONError) -> [UInt8] {
    var object: JSONObject = [
      "format": .integer(Self.format), "step": .integer(step),
      "files": .array(
        files.map { file in
          [
            "name": .string(file.name), "bytes": .integer(file.byteCount),
            "sha256": .string(file.digest),
          ]
        }),
    ]
    let content = try JSONWriter.bytes(of: .object(object))
    object["sha256"] = .string(SHA256.digest(of: content))
    return try JSONWriter.bytes(of: .object(object), style: .pretty) + [10]
  }

  /// Reads the manifest of a folder.
  ///
  /// - Throws: ``CheckpointError`` when it is missing, damaged or of a newer format.
  public init(folder: String) throws(CheckpointError) {
    let path = "\(folder)/\(Self.fileName)"
    let bytes: [UInt8]
    do {
      bytes = try readFile(path, limit: Limits.standard.configBytes, followsLinks: false)
    } catch { throw CheckpointError(error) }
    guard let json = try? JSONValue(parsing: bytes, file: path), let object = json.objectValue,
      let format = object["format"]?.intValue
    else { throw Self.damaged(path, "the file is no manifest") }
    guard format <= Self.format else {
      throw CheckpointError(
        .newerVersion, "the manifest has format \(format)", file: path,
        rule: "format \(Self.format) is known", advice: "use a newer version of this program")
    }
    guard let step = object["step"]?.intValue, step >= 0,
      let list = object["files"]?.arrayValue
    else { throw Self.damaged(path, "the file is no manifest") }
    var files: [File] = []
    for entry in list {
      guard let entry = entry.objectValue, let name = entry["name"]?.stringValue,
        isSafeFileName(name), let count = entry["bytes"]?.intValue, count >= 0,
        let digest = entry["sha256"]?.stringValue
      else { throw Self.damaged(path, "an entry describes no file") }
      files.append(File(name: name, byteCount: count, digest: digest))
    }
    self.init(step: step, files: files)
    guard let expected = try? self.bytes(), expected == bytes else {
      throw Self.damaged(path, "the manifest does not match its own hash")
    }
  }

  private static func damaged(_ path: String, _ what: String) -> CheckpointError {
    CheckpointError(
      .invalidManifest, what, file: path, rule: "it lists every file with size and SHA-256")
  }

  /// Compares the files of a folder with the manifest.
  ///
  /// - Parameter readsContent: Compares every byte by its hash; else sizes alone.
  /// - Throws: ``CheckpointError`` with all files that differ.
  public func verify(_ folder: String, readsContent: Bool = true) throws(CheckpointError) {
    var problems: [CheckpointError] = []
    for file in files {
      let path = "\(folder)/\(file.name)"
      do throws(FileError) {
        let count = try OpenFile(path, followsLinks: false).count
        guard count == file.byteCount else {
          problems.append(
            CheckpointError(
              .damaged, "the file has \(count) bytes", file: path,
              rule: "the manifest says \(file.byteCount)"))
          continue
        }
        guard readsContent else { continue }
        if try SHA256.digest(ofFile: path) != file.digest {
          problems.append(
            CheckpointError(
              .damaged, "the content is not what was written", file: path,
              rule: "SHA-256 \(file.digest)"))
        }
      } catch { problems.append(CheckpointError(error)) }
    }
    if let error = CheckpointError(collecting: problems) { throw error }
  }
}
