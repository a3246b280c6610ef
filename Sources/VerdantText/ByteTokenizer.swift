/// Every byte is a token; 256 separates documents.
public struct ByteTokenizer: Tokenizer {
  /// The name in configurations.
  public static let kind = "bytes"
  /// 256 bytes and the separator.
  public let vocabulary = 257
  /// Separates documents.
  public let endOfDocument: Int32 = 256

  /// The only byte tokenizer.
  public init() {}

  /// The bytes themselves.
  public func encode(_ bytes: UnsafeRawBufferPointer, into ids: inout [Int32]) {
    for byte in bytes { ids.append(Int32(byte)) }
  }

  /// The byte; empty for the separator.
  public func bytes(of id: Int32) -> [UInt8] {
    UInt8(exactly: id).map { [$0] } ?? []
  }
}
