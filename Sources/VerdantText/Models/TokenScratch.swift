internal import Synchronization

/// Memory that one call at a time uses: words that were seen, and the lists of a merge.
///
/// A pool hands it to one call and takes it back, which makes it safe to send.
final class TokenScratch: @unchecked Sendable {
  /// A symbol of a word that is being merged.
  struct Symbol: BitwiseCopyable {
    var id: Int32
    /// What the symbol becomes with its right neighbour.
    var merge: PairTable.Merge
    var previous: Int
    var next: Int
    /// Bytes; 0 for a symbol that was merged into its left neighbour.
    var size: Int
  }

  /// Words of at most this many bytes are kept.
  static let longestWord = 24
  /// Words of at most this many tokens are kept.
  static let mostTokens = 7

  /// A word with its tokens; 64 bytes, a line of the processor's cache.
  struct Entry: BitwiseCopyable {
    var key: (UInt64, UInt64, UInt64) = (0, 0, 0)
    /// The bytes of the word; 0 is free.
    var length: UInt8 = 0
    var count: UInt8 = 0
    var sizes: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0, 0, 0, 0)
    var ids: (Int32, Int32, Int32, Int32, Int32, Int32, Int32) = (0, 0, 0, 0, 0, 0, 0)
  }

  private static let entryCount = 1 << 14

  let entries = Block<Entry>(repeating: Entry(), count: TokenScratch.entryCount)
  var symbols: [Symbol] = []
  var heap: [UInt64] = []
  var path: [PathNode] = []
  private let seed = UInt64.random(in: .min ... .max)

  /// The best way to reach a place of a word in a Unigram model.
  struct PathNode: BitwiseCopyable {
    var score: Double
    var start: Int
    var id: Int32
  }

  /// The first 24 bytes of a word, with zeros after its end.
  @inline(__always)
  static func key(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ length: Int, _ end: Int
  ) -> (UInt64, UInt64, UInt64) {
    let raw = UnsafeRawPointer(text + start)
    if start &+ longestWord <= end {
      let first = raw.loadUnaligned(as: UInt64.self)
      if length <= 8 { return (first & mask(length), 0, 0) }
      let second = raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      if length <= 16 { return (first, second & mask(length &- 8), 0) }
      let third = raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
      return (first, second, third & mask(length &- 16))
    }
    var parts: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &parts) { $0.copyMemory(from: .init(start: raw, count: length)) }
    return parts
  }

  /// Ones for the first 1 to 8 bytes of a little-endian word.
  @inline(__always)
  private static func mask(_ count: Int) -> UInt64 { UInt64.max >> UInt64(64 &- 8 &* count) }

  /// The place of a word.
  @inline(__always)
  func entry(_ key: (UInt64, UInt64, UInt64), _ length: Int) -> UnsafeMutablePointer<Entry> {
    let low = mixed(key.0 ^ seed ^ UInt64(truncatingIfNeeded: length))
    let hash = key.1 | key.2 == 0 ? low : mixed(low ^ key.1 ^ (key.2 &* 0x9E37_79B9_7F4A_7C15))
    return entries.base + (Int(truncatingIfNeeded: hash >> 32) & (Self.entryCount &- 1))
  }

  /// Appends the tokens of a word that is known.
  @inline(__always)
  static func append(
    _ entry: UnsafeMutablePointer<Entry>, _ start: Int, into sink: inout TokenSink
  ) {
    let count = Int(entry.pointee.count)
    withUnsafePointer(to: &entry.pointee.ids) {
      $0.withMemoryRebound(to: Int32.self, capacity: mostTokens) { ids in
        if !sink.isTracked {
          if count == 1 { return sink.ids.append(ids[0]) }
          return sink.ids.append(contentsOf: UnsafeBufferPointer(start: ids, count: count))
        }
        withUnsafePointer(to: &entry.pointee.sizes) {
          $0.withMemoryRebound(to: UInt8.self, capacity: mostTokens) { sizes in
            var place = start
            for i in 0..<count {
              sink.append(ids[i], place, place + Int(sizes[i]))
              place += Int(sizes[i])
            }
          }
        }
      }
    }
  }

  /// Keeps a word whose tokens stand at the end of a list and follow one another.
  func keep(
    _ entry: UnsafeMutablePointer<Entry>, _ key: (UInt64, UInt64, UInt64), _ length: Int,
    ids: ArraySlice<Int32>, size: (Int) -> Int
  ) {
    guard ids.count <= Self.mostTokens, !ids.isEmpty else { return }
    var new = Entry()
    new.key = key
    new.length = UInt8(length)
    new.count = UInt8(ids.count)
    withUnsafeMutableBytes(of: &new.ids) { bytes in
      for (i, id) in ids.enumerated() {
        bytes.storeBytes(of: id, toByteOffset: 4 * i, as: Int32.self)
      }
    }
    withUnsafeMutableBytes(of: &new.sizes) { bytes in
      for i in 0..<ids.count { bytes[i] = UInt8(truncatingIfNeeded: size(i)) }
    }
    entry.pointee = new
  }
}

/// Scratch memory for calls that run at the same time.
final class ScratchPool: Sendable {
  private let free = Mutex<[TokenScratch]>([])

  /// Calls a closure with scratch memory of its own.
  func use<Result>(_ body: (TokenScratch) -> Result) -> Result {
    let scratch = free.withLock { $0.popLast() } ?? TokenScratch()
    defer { free.withLock { if $0.count < 64 { $0.append(scratch) } } }
    return body(scratch)
  }
}
