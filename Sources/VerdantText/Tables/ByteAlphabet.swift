/// The characters that stand for bytes in byte-level vocabularies.
///
/// Printable characters of Latin-1 stand for themselves, the other 68 bytes for U+0100 and above
/// (Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, released code).
enum ByteAlphabet {
  /// The scalar of each byte.
  static let scalars: [UInt32] = {
    var next: UInt32 = 0x100
    return (0..<256).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return UInt32(byte)
      default:
        defer { next += 1 }
        return next
      }
    }
  }()

  /// The byte of each scalar below U+0144, or -1.
  private static let bytes: [Int16] = {
    var result = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { result[Int(scalar)] = Int16(byte) }
    return result
  }()

  /// The byte that a scalar stands for.
  static func byte(of scalar: UInt32) -> UInt8? {
    scalar < 0x144 ? UInt8(exactly: bytes[Int(scalar)]) : nil
  }

  /// The characters of bytes, as UTF-8.
  static func characters(of text: some Sequence<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    for byte in text { appendScalar(scalars[Int(byte)], to: &result) }
    return result
  }

  /// The bytes that characters stand for; nil when one stands for none.
  static func bytes(of characters: [UInt8]) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(characters.count)
    for scalar in characters.scalars {
      guard let byte = byte(of: scalar) else { return nil }
      result.append(byte)
    }
    return result
  }
}

extension TextRewriter {
  /// Writes the character of the next byte; the first byte of a scalar replaces it.
  mutating func putByteCharacter(_ byte: UInt8) {
    let character = ByteAlphabet.scalars[Int(byte)]
    if byte & 0xC0 == 0x80 { insert(character) } else { put(character) }
  }
}
