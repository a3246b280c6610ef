import Foundation
import VerdantBase
import VerdantIO

/// Calls a closure with the path of a fresh folder, which is removed afterwards.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let url = FileManager.default.temporaryDirectory
    .appendingPathComponent("verdant-io-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}

/// The names in a folder, hidden ones too, in order.
func names(in folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

/// Puts bytes into a file as they are.
func put(_ bytes: [UInt8], _ path: String) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}

/// A file of a length field, a header and data of counting bytes.
func fileBytes(_ json: String, data: Int = 0) -> [UInt8] { fileBytes(Array(json.utf8), data: data) }

/// A file of a length field, a header and data of counting bytes.
func fileBytes(_ json: [UInt8], data: Int = 0) -> [UInt8] {
  lengthField(UInt64(json.count)) + json + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
}

/// The little-endian bytes of a header length.
func lengthField(_ length: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
}

/// Parses a file held in memory.
func header(
  _ bytes: [UInt8],
  limits: Limits = .standard
) throws(CheckpointError) -> SafetensorsHeader {
  let result = bytes.withUnsafeBytes { buffer in
    Result { () throws(CheckpointError) in
      try SafetensorsHeader(parsing: buffer, file: "test.safetensors", limits: limits)
    }
  }
  return try result.get()
}

/// The folder of golden files.
let goldenFolder =
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden").path
