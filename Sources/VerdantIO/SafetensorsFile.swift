public import VerdantBase

/// An opened safetensors file: the validated header and access to the bytes of each tensor.
public final class SafetensorsFile: Sendable {
  /// The path the file was opened by.
  public let path: String
  /// The validated header.
  public let header: SafetensorsHeader

  private let file: MappedFile

  /// Opens a file and validates its header; no data is read.
  ///
  /// - Parameters:
  ///   - path: The path of a regular file.
  ///   - access: How the data comes into memory.
  ///   - followsLinks: Whether the last component may be a symbolic link.
  ///   - limits: The limits to obey.
  /// - Throws: ``CheckpointError`` when the file cannot be opened or breaks a rule.
  public init(
    _ path: String,
    access: FileAccess = .mapped,
    followsLinks: Bool = true,
    limits: Limits = .standard
  ) throws(CheckpointError) {
    self.path = path
    do {
      let file = try OpenFile(path, followsLinks: followsLinks)
      let prefix = try file.bytes(in: 0..<min(8, file.count))
      let length = try prefix.withUnsafeBytes {
        try SafetensorsHeader.headerLength(
          prefix: $0,
          fileByteCount: file.count,
          file: path,
          limits: limits
        )
      }
      let json = try file.bytes(in: 8..<(8 + length))
      let dataByteCount = file.count - 8 - length
      header = try json.withUnsafeBytes {
        try SafetensorsHeader(json: $0, dataByteCount: dataByteCount, file: path, limits: limits)
      }
      self.file = try MappedFile(file, access: access)
    } catch {
      throw Self.translated(error, path)
    }
  }

  /// The tensors in the order of their data.
  public var entries: [TensorEntry] { header.entries }
  /// The metadata; empty when there is none.
  public var metadata: [String: String] { header.metadata }

  /// The entry of a name.
  ///
  /// - Throws: ``CheckpointError`` with the kind `missingTensors`.
  public func entry(named name: String) throws(CheckpointError) -> TensorEntry {
    try header.entry(named: name, file: path)
  }

  /// Calls a closure with the bytes of a tensor: row-major, little-endian.
  ///
  /// The bytes may start at any address: use `loadUnaligned` or copy them. They must not be used
  /// after the closure returns.
  ///
  /// - Throws: ``CheckpointError`` when there is no such tensor or the file became shorter, and
  ///   what the closure throws.
  public func withBytes<Result>(
    of name: String,
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try withBytes(of: entry(named: name), body)
  }

  /// Calls a closure with the bytes of a tensor of this file.
  ///
  /// - Throws: ``CheckpointError`` when the range is outside of the file or the file became
  ///   shorter, and what the closure throws.
  public func withBytes<Result>(
    of entry: TensorEntry,
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard entry.range.upperBound <= header.dataByteCount else {
      throw CheckpointError(
        .lengthMismatch,
        "the entry is not one of this file",
        file: path,
        place: "tensor \"\(escaped(entry.name))\"",
        code: .internalError
      )
    }
    let start = header.dataOffset + entry.range.lowerBound
    do {
      return try file.withBytes(in: start..<(start + entry.byteCount), body)
    } catch let error as FileError {
      throw CheckpointError(error)
    }
  }

  private static func translated(_ error: any Error, _ path: String) -> CheckpointError {
    switch error {
    case let error as CheckpointError: error
    case let error as FileError: CheckpointError(error)
    default: CheckpointError(.io, "cannot read: \(error)", file: path)
    }
  }
}
