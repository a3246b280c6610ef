internal import VerdantBase

/// The normalization rules that SentencePiece compiles into a model file.
///
/// The map is a double array (Aoe, 1989; layout of darts-clone) of byte strings with places in a
/// text of replacements. As in the reference, a character of several scalars is looked up as a
/// whole when it has fewer than six bytes, and the shortest entry that begins it replaces it all.
struct PrecompiledNormalizer: Normalizer {
  static let kind = "Precompiled"

  private let units: [UInt32]
  private let replacements: [UInt8]
  let growth: Int

  init(_ settings: PartSettings) throws(TokenizerError) {
    let key = "precompiled_charsmap"
    let text = try settings.string(key)
    guard let map = decodeBase64(Array(text.utf8)), map.count >= 4 else {
      throw settings.error(.outOfRange, "not a map in base 64", key)
    }
    let size = map[0..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard size % 4 == 0, size >= 4, size <= map.count - 4 else {
      throw settings.error(
        .outOfRange, "a map of \(map.count) bytes with a trie of \(size) bytes", key,
        rule: "the trie lies inside the map")
    }
    units = stride(from: 4, to: 4 + size, by: 4).map { start in
      map[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
    replacements = Array(map[(4 + size)...])
    let isValid = replacements.withUnsafeBytes { firstInvalidUTF8(in: $0) == nil }
    guard isValid else {
      throw settings.error(.outOfRange, "replacements that are not valid UTF-8", key)
    }
    growth = replacements.split(separator: 0).map(\.count).max() ?? 1
  }

  func apply(to text: inout NormalizedText) {
    var rewriter = TextRewriter(text)
    var isModified = false
    text.bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      var start = 0
      while start < buffer.count {
        let end = graphemeEnd(base, start, buffer.count)
        if end - start < 6, let range = find(base, start, end) {
          isModified = true
          replace(base, start..<end, range, &rewriter)
        } else {
          var i = start
          while i < end {
            let (scalar, size) = decodeScalar(base, i)
            if let range = find(base, i, i + size) {
              isModified = true
              replace(base, i..<i + size, range, &rewriter)
            } else {
              rewriter.hold(scalar, change: 0)
            }
            i += size
          }
        }
        start = end
      }
    }
    guard isModified else { return }
    rewriter.finish(&text)
  }

  /// The replacement of the shortest entry that begins a string.
  private func find(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Range<Int>? {
    var node = offset(units[0])
    for i in start..<end {
      let byte = text[i]
      guard byte != 0 else { return nil }
      node ^= Int(byte)
      guard node < units.count else { return nil }
      let unit = units[node]
      guard unit & (1 << 31 | 0xFF) == UInt32(byte) else { return nil }
      node ^= offset(unit)
      if unit >> 8 & 1 == 1 {
        guard node < units.count else { return nil }
        let first = Int(units[node] & (1 << 31 - 1))
        guard first <= replacements.count else { return nil }
        let last = replacements[first...].firstIndex(of: 0) ?? replacements.count
        guard first == last || replacements[first] & 0xC0 != 0x80 else { return nil }
        return first..<last
      }
    }
    return nil
  }

  private func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }

  private func replace(
    _ text: UnsafePointer<UInt8>, _ old: Range<Int>, _ new: Range<Int>,
    _ rewriter: inout TextRewriter
  ) {
    let oldCount = UnsafeBufferPointer(start: text + old.lowerBound, count: old.count).scalarCount
    let scalars = Array(replacements[new]).scalars
    for (i, scalar) in scalars.enumerated() {
      // What is more than before counts as new, at the end.
      rewriter.hold(scalar, change: i >= oldCount ? 1 : 0)
    }
    if scalars.count < oldCount { rewriter.changeHeld(by: scalars.count - oldCount) }
  }
}
