import Testing
import VerdantBase
import VerdantIO

@Suite("Damaged safetensors files")
struct SafetensorsDamageTests {
  private static let good = fileBytes(
    #"{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"#
      + #""é":{"dtype":"I8","shape":[3],"data_offsets":[8,11]}}   "#,
    data: 11
  )

  @Test("A file cut at any byte is refused, in memory and on disk")
  func cut() throws {
    #expect(try header(Self.good).entries.count == 2)
    try withTemporaryFolder { folder in
      for count in Self.good.indices {
        let bytes = Array(Self.good[..<count])
        #expect(throws: CheckpointError.self) { try header(bytes) }
        let path = "\(folder)/\(count).safetensors"
        try put(bytes, path)
        #expect(throws: CheckpointError.self) { try SafetensorsFile(path) }
      }
    }
  }

  @Test("A file with bytes after its end is refused", arguments: 1...16)
  func appended(count: Int) {
    let error = #expect(throws: CheckpointError.self) {
      try header(Self.good + [UInt8](repeating: 0, count: count))
    }
    #expect(error?.kind == .lengthMismatch)
  }

  @Test("Flipping any bit of length or header never traps, and what is accepted is in bounds")
  func bitFlips() throws {
    let headerEnd = Self.good.count - 11
    for index in 0..<headerEnd {
      for bit in 0..<8 {
        var bytes = Self.good
        bytes[index] ^= 1 << bit
        checkAccepted(bytes)
      }
    }
  }

  @Test("Replacing any byte of the header by any other never traps")
  func bytes() {
    for index in 8..<(Self.good.count - 11) {
      for value in UInt8.min...UInt8.max {
        var bytes = Self.good
        bytes[index] = value
        checkAccepted(bytes)
      }
    }
  }

  @Test("Random insertions and removals of tokens never trap")
  func tokens() {
    let tokens = [
      "{", "}", "[", "]", ",", ":", "\"", "0", "-", "9223372036854775807", "18446744073709551616",
      "1e400", "null", "\\u0000", "\"dtype\"", "\"F64\"", "\"shape\"", "\"__metadata__\"", "\u{0}",
    ].map { Array($0.utf8) }
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let json = Array(Self.good[8..<(Self.good.count - 11)])
    for _ in 0..<20_000 {
      var changed = json
      for _ in 0...random(3) {
        let place = random(changed.count)
        if random(2) == 0 {
          changed.insert(contentsOf: tokens[random(tokens.count)], at: place)
        } else {
          changed.removeSubrange(place..<min(changed.count, place + 1 + random(6)))
        }
      }
      checkAccepted(fileBytes(changed, data: 11))
    }
  }

  private func checkAccepted(_ bytes: [UInt8]) {
    guard let parsed = try? header(bytes) else { return }
    var end = 0
    for entry in parsed.entries {
      #expect(entry.range.lowerBound == end)
      #expect(entry.elementCount * entry.dtype.bitWidth == 8 * entry.byteCount)
      end = entry.range.upperBound
    }
    #expect(parsed.dataOffset + end == bytes.count)
  }
}
