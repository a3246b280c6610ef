internal import CVerdant
public import VerdantBase

/// SHA-256 of a stream of bytes (FIPS 180-4).
public struct SHA256: Sendable {
  private var state = vd_sha256()

  /// A hash of no bytes yet.
  ///
  /// - Parameter isPortable: Leaves the processor's own instructions aside, for tests.
  public init(isPortable: Bool = false) { vd_sha256_start(&state, isPortable) }

  /// Adds bytes.
  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    vd_sha256_add(&state, bytes.baseAddress, bytes.count)
  }

  /// Adds bytes.
  public mutating func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }

  /// The hash of everything added, as 64 hexadecimal digits.
  public var digest: String {
    var copy = state
    var bytes = [UInt8](repeating: 0, count: 32)
    vd_sha256_finish(&copy, &bytes)
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }

  /// The hash of some bytes.
  public static func digest(of bytes: [UInt8]) -> String {
    var hash = SHA256()
    hash.add(bytes)
    return hash.digest
  }

  /// The hash of a file.
  ///
  /// - Throws: ``FileError`` when it cannot be read as a whole.
  public static func digest(ofFile path: String) throws(FileError) -> String {
    let file = try OpenFile(path, followsLinks: false)
    var hash = SHA256()
    var start = 0
    while start < file.count {
      let end = min(file.count, start + pieceByteCount)
      hash.add(try file.bytes(in: start..<end))
      start = end
    }
    return hash.digest
  }

  private static let pieceByteCount = 4 << 20
}
