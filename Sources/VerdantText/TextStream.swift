/// Gives text as it becomes complete: holds back the bytes of a character until its last arrives.
public struct TextStream: Sendable {
  private var pending: [UInt8] = []

  /// A stream that has seen nothing.
  public init() {}

  /// Adds bytes and returns the text that is complete now; invalid bytes become U+FFFD.
  public mutating func append(_ bytes: [UInt8]) -> String {
    pending += bytes
    let complete = pending.count - incompleteSuffix()
    let text = String(decoding: pending[..<complete], as: UTF8.self)
    pending.removeFirst(complete)
    return text
  }

  /// The rest, with U+FFFD for a character that never became complete.
  public mutating func finish() -> String {
    defer { pending = [] }
    return String(decoding: pending, as: UTF8.self)
  }

  /// Bytes at the end that begin a character without completing it.
  private func incompleteSuffix() -> Int {
    for length in 1...3 where length <= pending.count {
      let byte = pending[pending.count - length]
      if byte & 0xC0 == 0x80 { continue }
      let needed = byte >= 0xF0 && byte < 0xF8 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 1
      return byte < 0xF8 && needed > length ? length : 0
    }
    return 0
  }
}
