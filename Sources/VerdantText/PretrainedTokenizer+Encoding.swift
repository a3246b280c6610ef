internal import VerdantBase

extension PretrainedTokenizer {
  /// The ids of a text's bytes, appended to a list; without special tokens, truncation or padding.
  ///
  /// Bytes that are no valid UTF-8 become U+FFFD.
  public func encode(_ bytes: UnsafeRawBufferPointer, into ids: inout [Int32]) {
    guard !bytes.isEmpty else { return }
    var sink = TokenSink(ids, isTracked: false)
    ids = []
    run(Self.valid(bytes), isTracked: false, &sink) { _, _, _ in }
    ids = sink.ids
  }

  /// The tokens of a text or a pair of texts, with offsets and special tokens.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - second: The second text of a pair.
  ///   - addsSpecialTokens: Whether the post-processor adds special tokens.
  /// - Returns: The tokens after ``truncation`` and ``padding``. Offsets count Unicode scalars of
  ///   the text.
  public func tokenize(_ text: String, and second: String? = nil, addsSpecialTokens: Bool = true)
    -> TokenizedText
  {
    var parts = [part(text, typeID: 0)]
    if let second { parts.append(part(second, typeID: 1)) }
    if let truncation {
      let isPair = parts.count == 2
      let special =
        addsSpecialTokens
        ? postProcessors.reduce(0) { $0 + $1.addedCount(isPair: isPair) } : 0
      let lengths = truncation.lengths(
        parts.map(\.text.count), limit: max(0, truncation.maximumLength - special))
      for (i, length) in lengths.enumerated() { truncation.shorten(&parts[i], to: length) }
    }
    for processor in postProcessors {
      parts = processor.process(parts, addsSpecial: addsSpecialTokens)
    }
    var result = TokenizedText()
    for part in parts { result.append(part.text) }
    padding?.apply(to: &result)
    return result
  }

  private static func valid(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    firstInvalidUTF8(in: bytes) == nil ? Array(bytes) : Array(repairing: bytes)
  }

  /// One text before post-processing.
  private func part(_ string: String, typeID: Int32) -> ProcessedPart {
    let text = Array(string.utf8)
    let characters = ScalarOffsets(text)
    let needsSpaces = postProcessors.contains { $0.needsSpaces }
    var part = ProcessedPart(text: TokenizedText(), spaces: [])
    var sink = TokenSink([], isTracked: true)
    run(text, isTracked: true, &sink) { normalized, first, sink in
      for i in first..<sink.ids.count {
        let range = sink.starts[i]..<max(sink.starts[i], sink.ends[i])
        part.text.offsets.append(characters.range(normalized.original(range)))
        guard needsSpaces else { continue }
        if sink.added[i] {
          part.spaces.append(spaces(normalized.bytes[range]))
        } else {
          part.spaces.append(model.vocabulary.withToken(sink.ids[i]) { spaces($0) })
        }
      }
    }
    part.text.ids = sink.ids
    part.text.words = sink.words.map { $0 }
    part.text.typeIDs = sink.ids.map { _ in typeID }
    part.text.isSpecial = sink.ids.map { _ in false }
    part.text.isAttended = sink.ids.map { _ in true }
    if !needsSpaces { part.spaces = sink.ids.map { _ in (0, 0) } }
    return part
  }

  /// White space, or characters that stand for a space, at both ends of a token.
  private func spaces(_ token: some Collection<UInt8>) -> (leading: Int, trailing: Int) {
    // Nothing shorter than the whole is read where neither end can be white space.
    guard let first = token.first,
      first == 0xC4 || first <= 0x20 || first >= 0x80
        || token.contains(where: { $0 <= 0x20 || $0 == 0xC4 || $0 >= 0xC2 })
    else { return (0, 0) }
    let properties = ScalarProperties.shared
    let scalars = Array(token).scalars
    func isSpace(_ scalar: UInt32) -> Bool {
      scalar == 0x120 || properties[scalar].contains(.space)
    }
    return (
      scalars.prefix(while: isSpace).count, scalars.reversed().prefix(while: isSpace).count
    )
  }
}

/// Turns offsets in bytes into offsets in scalars.
struct ScalarOffsets {
  /// The scalars that begin before each byte; empty where every scalar is one byte.
  private let counts: [Int32]

  init(_ text: [UInt8]) {
    guard text.contains(where: { $0 >= 0x80 }) else {
      counts = []
      return
    }
    var counts: [Int32] = []
    counts.reserveCapacity(text.count + 1)
    var count: Int32 = 0
    for byte in text {
      counts.append(byte & 0xC0 == 0x80 ? count &- 1 : count)
      if byte & 0xC0 != 0x80 { count &+= 1 }
    }
    counts.append(count)
    self.counts = counts
  }

  func range(_ bytes: Range<Int>) -> Range<Int> {
    guard !counts.isEmpty else { return bytes }
    let last = counts.count - 1
    let start = Int(counts[min(bytes.lowerBound, last)])
    return start..<max(start, Int(counts[min(bytes.upperBound, last)]))
  }
}
