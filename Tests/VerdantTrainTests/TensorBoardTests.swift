import Testing
@testable import VerdantTrain
import Verdant

/// Event files, read by the rules of TFRecord and protocol buffers.
@Suite struct TensorBoardTests {
  /// CRC-32C by its definition, bit by bit from the other end.
  private func crc(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var remainder: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      for bit in 0..<8 {
        let isSet = (remainder ^ UInt32(byte >> bit)) & 1 == 1
        remainder = remainder >> 1
        if isSet { remainder ^= 0x82F6_3B78 }
      }
    }
    return ~remainder
  }

  private func masked(_ crc: UInt32) -> UInt32 { (crc >> 15 | crc << 17) &+ 0xA282_EAD8 }

  private func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  @Test func theChecksumIsCRC32C() {
    // RFC 3720, B.4.
    #expect(crc(Array("123456789".utf8)[...]) == 0xE306_9283)
    #expect(crc([UInt8](repeating: 0, count: 32)[...]) == 0x8A91_36AA)
  }

  @Test func framesHoldTheScalars() throws {
    try withTemporaryFolder { folder in
      let path: String
      do {
        let file = try TensorBoardFile(in: folder + "/board")
        path = file.path
        try file.record(
          .step(
            StepRecord(
              step: 300, loss: 2.5, gradientNorm: 0.5, learningRate: 1e-3, tokens: 1, epoch: 0,
              tokensPerSecond: 1000, elapsed: 1, residentByteCount: 1)))
        try file.record(.saved(path: "x", step: 3))
      }
      var rest = try read(path)[...]
      var messages: [[UInt8]] = []
      while !rest.isEmpty {
        let length = Int(number(rest.prefix(8)))
        #expect(number(rest.dropFirst(8).prefix(4)) == UInt64(masked(crc(rest.prefix(8)))))
        let content = rest.dropFirst(12).prefix(length)
        let found = rest.dropFirst(12 + length).prefix(4)
        #expect(number(found) == UInt64(masked(crc(content))))
        messages.append(Array(content))
        rest = rest.dropFirst(16 + length)
      }
      #expect(messages.count == 2)
      #expect(messages[0].suffix(15) == [0x1A, 13] + Array("brain.Event:2".utf8))
      // Field 2, the step 300 as a varint.
      #expect(Array(messages[1][9..<12]) == [0x10, 0xAC, 0x02])
      let loss: [UInt8] = [0x0A, 4] + Array("loss".utf8) + [0x15, 0, 0, 0x20, 0x40]
      #expect(messages[1].indices.contains { messages[1][$0...].starts(with: loss) })
    }
  }
}
