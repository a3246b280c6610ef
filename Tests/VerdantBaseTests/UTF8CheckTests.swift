import Testing
import VerdantBase

@Suite("UTF-8 check")
struct UTF8CheckTests {
  /// Bytes at and beside each boundary of the encoding.
  private let boundary: [UInt8] = [
    0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
    0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
  ]

  private func isValid(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { firstInvalidUTF8(in: $0) } == nil
  }

  @Test("Agrees with the standard library on all short boundary sequences")
  func agreement() {
    var differences: [[UInt8]] = []
    for a in boundary {
      for b in boundary {
        for c in boundary {
          for d in boundary {
            let bytes = [a, b, c, d]
            if isValid(bytes) != (String(validating: bytes, as: UTF8.self) != nil) {
              differences.append(bytes)
            }
          }
        }
      }
    }
    #expect(differences.isEmpty)
  }

  @Test("Every Unicode scalar is valid, alone and cut short it is located")
  func scalars() {
    var wrong = 0
    for value in UInt32(0x80)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let bytes = Array("12345678\(scalar)".utf8)
      if !isValid(bytes) { wrong += 1 }
      if bytes.dropLast().withUnsafeBytes({ firstInvalidUTF8(in: $0) }) != 8 { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  @Test("The offset is that of the first bad sequence", arguments: [0, 1, 7, 8, 9, 15, 16, 100])
  func offsets(count: Int) {
    let bytes = [UInt8](repeating: 0x61, count: count) + [0xFF] + Array("rest of it".utf8)
    #expect(bytes.withUnsafeBytes { firstInvalidUTF8(in: $0) } == count)
  }
}
