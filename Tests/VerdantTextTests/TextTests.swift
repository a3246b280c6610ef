import Testing
import Verdant

@Suite struct ByteTokenizerTests {
  let tokenizer = ByteTokenizer()

  @Test func everyByteIsItsOwnToken() {
    let bytes = (0...255).map { UInt8($0) }
    var ids: [Int32] = [7]
    bytes.withUnsafeBytes { tokenizer.encode($0, into: &ids) }
    #expect(ids == [7] + (0...255).map { Int32($0) })
    #expect(ids.dropFirst().flatMap(tokenizer.bytes(of:)) == bytes)
    #expect(tokenizer.vocabulary == 257)
    #expect(tokenizer.endOfDocument == 256)
  }

  @Test func idsThatAreNoByteHaveNoText() {
    for id: Int32 in [256, 257, -1, .max, .min] { #expect(tokenizer.bytes(of: id).isEmpty) }
  }

  @Test(arguments: ["", "a", "Grüße, 世界 👩‍👩‍👧", "\u{0}\r\n\u{FEFF}", "e\u{301}"])
  func textRoundTrip(_ text: String) {
    let ids = tokenizer.encode(text)
    #expect(ids.count == text.utf8.count)
    #expect(Array(tokenizer.decode(ids).utf8) == Array(text.utf8))
  }

  @Test func invalidBytesBecomeReplacements() {
    #expect(tokenizer.decode([0xFF, 65]) == "\u{FFFD}A")
    #expect(tokenizer.decode([65, 256, 66]) == "AB")
  }
}

@Suite struct TextStreamTests {
  static let texts = ["plain", "Grüße 世界", "👩‍👩‍👧 family", "e\u{301}\u{FEFF}x", ""]

  @Test(arguments: texts)
  func byteByByteGivesTheWholeText(_ text: String) {
    var stream = TextStream()
    var pieces: [String] = []
    for byte in text.utf8 { pieces.append(stream.append([byte])) }
    #expect(pieces.allSatisfy { !$0.contains("\u{FFFD}") })
    #expect(stream.finish().isEmpty)
    #expect(Array(pieces.joined().utf8) == Array(text.utf8))
  }

  @Test func aCharacterComesWithItsLastByte() {
    var stream = TextStream()
    let bytes = Array("a😀b".utf8)
    #expect(stream.append(Array(bytes[0..<2])) == "a")
    #expect(stream.append([bytes[2]]).isEmpty)
    #expect(stream.append([bytes[3]]).isEmpty)
    #expect(stream.append([bytes[4]]) == "😀")
    #expect(stream.append([bytes[5]]) == "b")
  }

  @Test func anUnfinishedCharacterIsReplacedAtTheEnd() {
    var stream = TextStream()
    #expect(stream.append([0x61, 0xF0, 0x9F]) == "a")
    #expect(stream.finish() == "\u{FFFD}")
    #expect(stream.finish().isEmpty)
    #expect(stream.append([0x62]) == "b")
  }

  /// Cut anywhere, any bytes give the text that they give as a whole.
  @Test func arbitraryBytesInArbitraryPieces() {
    let interesting: [UInt8] = [
      0x41, 0x80, 0xBF, 0xC0, 0xC1, 0xC3, 0xA9, 0xE0, 0xA0, 0xED, 0x9F, 0xE4, 0xF0, 0x90, 0xF4,
      0x8F, 0xF5, 0xF8, 0xFF, 0xE2, 0x82, 0xAC,
    ]
    for seed in 0..<2000 {
      let source = RandomSource(seed: UInt64(seed))
      let bytes = (0..<12).map { index in
        interesting[Int(source.uniform(at: UInt64(index)) * Double(interesting.count))]
      }
      var stream = TextStream()
      var text = ""
      var start = 0
      while start < bytes.count {
        let size = 1 + Int(source.uniform(at: UInt64(100 + start)) * 3)
        let end = min(bytes.count, start + size)
        text += stream.append(Array(bytes[start..<end]))
        start = end
      }
      text += stream.finish()
      #expect(
        Array(text.unicodeScalars) == Array(String(decoding: bytes, as: UTF8.self).unicodeScalars),
        "\(bytes)")
    }
  }
}
