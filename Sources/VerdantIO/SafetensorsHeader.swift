public import VerdantBase

/// The checked header of a safetensors file.
///
/// Whatever can be accessed here was validated against the size of the file and the limits:
/// ranges lie inside the data, follow each other without hole or overlap and fit shape and type.
/// Beyond the format's own rules, names are unique (names that differ only by Unicode
/// normalization count as the same), safe to print and of limited length.
public struct SafetensorsHeader: Sendable, Equatable {
  /// The tensors in the order of their data.
  public let entries: [TensorEntry]
  /// The metadata; empty when there is none.
  public let metadata: [String: String]
  /// The offset of the data in the file, in bytes.
  public let dataOffset: Int
  /// The size of the data, in bytes.
  public let dataByteCount: Int

  private let positions: [String: Int]

  /// The entry of a name, or nil.
  public subscript(name: String) -> TensorEntry? {
    positions[name].map { entries[$0] }
  }

  /// The entry of a name.
  ///
  /// - Throws: ``CheckpointError`` with the kind `missingTensors`, which names the closest
  ///   tensor there is.
  public func entry(named name: String, file: String? = nil) throws(CheckpointError) -> TensorEntry
  {
    if let entry = self[name] { return entry }
    let hint = nearest(to: name, in: entries.lazy.prefix(20_000).map(\.name))
    throw CheckpointError(
      .missingTensors,
      "the tensor \"\(escaped(name))\" is missing",
      file: file,
      rule: "the file has \(entries.count) tensors",
      advice: hint.map { "the closest name is \"\(escaped($0))\"" }
    )
  }

  /// Parses and validates the start of a file held in memory.
  ///
  /// - Parameters:
  ///   - bytes: All bytes of the file.
  ///   - file: The file to name in errors.
  ///   - limits: The limits to obey.
  /// - Throws: ``CheckpointError`` for the first broken rule.
  public init(
    parsing bytes: UnsafeRawBufferPointer,
    file: String? = nil,
    limits: Limits = .standard
  ) throws(CheckpointError) {
    let prefix = UnsafeRawBufferPointer(rebasing: bytes.prefix(8))
    let length = try Self.headerLength(
      prefix: prefix,
      fileByteCount: bytes.count,
      file: file,
      limits: limits
    )
    try self.init(
      json: UnsafeRawBufferPointer(rebasing: bytes[8..<(8 + length)]),
      dataByteCount: bytes.count - 8 - length,
      file: file,
      limits: limits
    )
  }

  /// Reads the length field and checks it before anything depends on it.
  ///
  /// - Parameters:
  ///   - prefix: The first 8 bytes of the file, or what there is of them.
  ///   - fileByteCount: The size of the file.
  ///   - file: The file to name in errors.
  ///   - limits: The limits to obey.
  /// - Returns: The number of bytes of JSON, all of which lie inside the file.
  /// - Throws: ``CheckpointError``.
  public static func headerLength(
    prefix: UnsafeRawBufferPointer,
    fileByteCount: Int,
    file: String? = nil,
    limits: Limits = .standard
  ) throws(CheckpointError) -> Int {
    guard prefix.count >= 8, fileByteCount >= 8 else {
      throw CheckpointError(
        .headerTooSmall,
        "the file has only \(fileByteCount) bytes",
        file: file,
        place: "byte 0",
        rule: "a safetensors file starts with a length of 8 bytes",
        advice: "download or copy the file again"
      )
    }
    let stored = UInt64(littleEndian: prefix.loadUnaligned(as: UInt64.self))
    guard let length = Int(exactly: stored), length <= limits.safetensorsHeaderBytes else {
      throw CheckpointError(
        .headerTooLarge,
        "the header length is \(stored)",
        file: file,
        place: "byte 0",
        rule: "a header has at most \(limits.safetensorsHeaderBytes) bytes",
        advice: "check that this is a safetensors file"
      )
    }
    guard length <= fileByteCount - 8 else {
      throw CheckpointError(
        .headerLengthBeyondFile,
        "the header length is \(length)",
        file: file,
        place: "byte 0",
        rule: "only \(fileByteCount - 8) bytes follow",
        advice: "download or copy the file again"
      )
    }
    return length
  }

  /// Parses and validates the JSON of a header.
  ///
  /// - Parameters:
  ///   - json: The bytes that the length field counts.
  ///   - dataByteCount: The number of bytes in the file after them.
  ///   - file: The file to name in errors.
  ///   - limits: The limits to obey.
  /// - Throws: ``CheckpointError`` for the first broken rule.
  /// - Complexity: O(count), plus the sorting of tensors that are out of order.
  public init(
    json: UnsafeRawBufferPointer,
    dataByteCount: Int,
    file: String? = nil,
    limits: Limits = .standard
  ) throws(CheckpointError) {
    var parser = SafetensorsHeaderParser(json, file: file, limits: limits)
    try parser.parse()
    entries = try parser.rules.ordered(parser.entries, dataByteCount: dataByteCount)
    metadata = parser.metadata
    dataOffset = 8 + json.count
    self.dataByteCount = dataByteCount
    positions = Dictionary(
      zip(entries.lazy.map(\.name), 0...),
      uniquingKeysWith: { first, _ in first }
    )
  }
}
