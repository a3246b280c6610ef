/// A part of a text after normalization, with where each byte comes from.
///
/// Alignments are those of the reference: bytes of a scalar share the range of the original text
/// that they stand for. They are kept only where offsets are wanted.
struct NormalizedText {
  /// Valid UTF-8.
  var bytes: [UInt8]
  /// Whether alignments are wanted.
  let isTracked: Bool
  /// The offset in the original text, in bytes; for a text that was not changed, of its first byte.
  let origin: Int
  /// For each byte the range of the original it stands for; nil while the text is unchanged.
  var alignments: [Range<Int>]?

  init(_ bytes: some Sequence<UInt8>, origin: Int, isTracked: Bool) {
    self.bytes = Array(bytes)
    self.origin = origin
    self.isTracked = isTracked
  }

  /// The range of the original that a byte stands for.
  func alignment(_ i: Int) -> Range<Int> {
    if let alignments { return alignments[i] }
    var start = i
    while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
    return origin + start..<origin + start + scalarSize(bytes[start])
  }

  /// The range of the original text that a range stands for; an empty range keeps its place.
  func original(_ range: Range<Int>) -> Range<Int> {
    let last = min(range.upperBound, bytes.count) - 1
    guard range.lowerBound <= last else {
      let place =
        range.lowerBound < bytes.count
        ? alignment(range.lowerBound).lowerBound
        : bytes.isEmpty ? origin : alignment(bytes.count - 1).upperBound
      return place..<place
    }
    let start = alignment(range.lowerBound).lowerBound
    return start..<max(start, alignment(last).upperBound)
  }

  /// All alignments, made where they are not there yet.
  func allAlignments() -> [Range<Int>] {
    if let alignments { return alignments }
    var result: [Range<Int>] = []
    result.reserveCapacity(bytes.count)
    var i = 0
    while i < bytes.count {
      let size = scalarSize(bytes[i])
      let range = origin + i..<origin + i + size
      result.append(contentsOf: repeatElement(range, count: size))
      i += size
    }
    return result
  }

  /// Reads the scalars one after the other.
  func scalars() -> ScalarScanner { ScalarScanner(bytes) }
}

/// Reads the scalars of valid UTF-8.
struct ScalarScanner {
  private let bytes: [UInt8]
  /// The offset of the next scalar.
  private(set) var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  @inline(__always)
  mutating func next() -> UInt32? {
    guard position < bytes.count else { return nil }
    let (scalar, size) = bytes.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { decodeScalar($0, position) } ?? (0, 1)
    }
    position += size
    return scalar
  }
}

/// Writes a new version of a text, scalar by scalar, and keeps the alignments.
struct TextRewriter {
  private let source: [UInt8]
  private let isTracked: Bool
  private let old: [Range<Int>]
  private var bytes: [UInt8] = []
  private var alignments: [Range<Int>] = []
  /// The next byte of the source that was not taken yet.
  private(set) var cursor = 0
  private var held: (scalar: UInt32, change: Int)?

  init(_ text: NormalizedText) {
    source = text.bytes
    isTracked = text.isTracked
    old = isTracked ? text.allAlignments() : []
    bytes.reserveCapacity(source.count + source.count / 8)
    if isTracked { alignments.reserveCapacity(source.count + source.count / 8) }
  }

  /// The number of bytes written.
  var count: Int { bytes.count }

  /// Writes a scalar that replaces the next one of the source.
  @inline(__always)
  mutating func put(_ scalar: UInt32) {
    let size = appendScalar(scalar, to: &bytes)
    if isTracked { align(size, isNew: false) }
    take()
  }

  /// Writes a scalar that was not there; it gets the alignment of what was taken last.
  @inline(__always)
  mutating func insert(_ scalar: UInt32) {
    let size = appendScalar(scalar, to: &bytes)
    if isTracked { align(size, isNew: true) }
  }

  /// Leaves out the next scalar of the source.
  @inline(__always)
  mutating func drop() { take() }

  /// Writes a scalar: it is new when `change` is positive; otherwise it replaces the next one, and
  /// `-change` further ones are left out.
  mutating func put(_ scalar: UInt32, change: Int) {
    if change > 0 { return insert(scalar) }
    put(scalar)
    for _ in 0..<(-change) { drop() }
  }

  /// Writes a scalar as ``put(_:change:)`` does, but later: its change may still be changed.
  mutating func hold(_ scalar: UInt32, change: Int) {
    release()
    held = (scalar, change)
  }

  /// Adds to the change of the scalar that is held, if there is one.
  mutating func changeHeld(by difference: Int) { held?.change += difference }

  private mutating func release() {
    if let held { put(held.scalar, change: held.change) }
    held = nil
  }

  /// Writes the bytes of the source up to an offset as they are.
  mutating func copy(to end: Int) {
    guard end > cursor else { return }
    bytes.append(contentsOf: source[cursor..<end])
    if isTracked { alignments.append(contentsOf: old[cursor..<end]) }
    cursor = end
  }

  /// Moves to an offset of the source without writing.
  mutating func skip(to end: Int) { cursor = max(cursor, end) }

  /// Writes bytes that were not there; they get the alignment of the byte before the cursor.
  mutating func insert(_ text: [UInt8]) {
    bytes.append(contentsOf: text)
    if isTracked {
      let range = cursor > 0 ? old[cursor - 1] : 0..<0
      alignments.append(contentsOf: repeatElement(range, count: text.count))
    }
  }

  /// Writes bytes that were not there, with the alignment of the next byte of the source.
  mutating func prepend(_ text: [UInt8]) {
    bytes.append(contentsOf: text)
    if isTracked {
      let range = cursor < old.count ? old[cursor] : 0..<0
      alignments.append(contentsOf: repeatElement(range, count: text.count))
    }
  }

  /// Makes the new version the text.
  mutating func finish(_ text: inout NormalizedText) {
    release()
    text.bytes = bytes
    if isTracked { text.alignments = alignments }
  }

  private mutating func align(_ size: Int, isNew: Bool) {
    let range: Range<Int>
    if isNew {
      range = cursor > 0 ? old[cursor - 1] : 0..<0
    } else {
      range = cursor < old.count ? old[cursor] : old.last ?? 0..<0
    }
    alignments.append(contentsOf: repeatElement(range, count: size))
  }

  private mutating func take() {
    if cursor < source.count { cursor += scalarSize(source[cursor]) }
  }
}
