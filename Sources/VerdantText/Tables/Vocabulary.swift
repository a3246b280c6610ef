/// Tokens and their ids, both ways.
///
/// The bytes of all tokens stand one after the other; a table of open addresses finds the id of
/// bytes. Looking up costs O(length).
struct Vocabulary: Sendable {
  /// Why a token cannot be added.
  enum Problem: Error {
    case duplicateToken
    case duplicateID
  }

  /// Ids are below this.
  private(set) var bound = 0
  /// The number of tokens.
  private(set) var count = 0
  /// The bytes of the longest token.
  private(set) var longest = 0

  private var text: [UInt8] = []
  private var starts: [UInt32] = []
  /// One more than the length; 0 where there is no token of that id.
  private var sizes: [UInt32] = []
  /// The upper half of the hash and one more than the id; 0 is free.
  private var slots = Block<UInt64>(repeating: 0, count: 16)
  private let seed: UInt64

  /// Makes an empty vocabulary.
  init(seed: UInt64 = UInt64.random(in: .min ... .max)) { self.seed = seed }

  /// Makes room for tokens in advance.
  mutating func reserve(tokens: Int, bytes: Int) {
    text.reserveCapacity(bytes)
    starts.reserveCapacity(tokens)
    sizes.reserveCapacity(tokens)
    if slots.count < tableCapacity(tokens) { grow(to: tableCapacity(tokens)) }
  }

  /// Adds a token whose id is in range.
  mutating func add(_ token: UnsafeBufferPointer<UInt8>, id: Int) throws(Problem) {
    if tableCapacity(count + 1) > slots.count { grow(to: slots.count * 2) }
    if id >= bound {
      starts.append(contentsOf: repeatElement(0, count: id + 1 - bound))
      sizes.append(contentsOf: repeatElement(0, count: id + 1 - bound))
      bound = id + 1
    }
    guard sizes[id] == 0 else { throw .duplicateID }
    let hash = Self.hash(token, seed)
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots.base[slot] != 0 {
      if isEqual(slots.base[slot], hash, token) { throw .duplicateToken }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots.base[slot] = hash & ~0xFFFF_FFFF | UInt64(id + 1)
    starts[id] = UInt32(text.count)
    sizes[id] = UInt32(token.count + 1)
    text.append(contentsOf: token)
    count += 1
    longest = max(longest, token.count)
  }

  /// Adds a token whose id is in range.
  mutating func add(_ token: [UInt8], id: Int) throws(Problem) {
    let result = token.withUnsafeBufferPointer { buffer in
      Result { () throws(Problem) in try add(buffer, id: id) }
    }
    try result.get()
  }

  /// The id of a token's bytes.
  @inline(__always)
  func id(of token: UnsafeBufferPointer<UInt8>) -> Int32? {
    let hash = Self.hash(token, seed)
    var slot = Int(truncatingIfNeeded: hash) & (slots.count &- 1)
    while slots.base[slot] != 0 {
      if isEqual(slots.base[slot], hash, token) {
        return Int32(truncatingIfNeeded: slots.base[slot] & 0xFFFF_FFFF) &- 1
      }
      slot = (slot &+ 1) & (slots.count &- 1)
    }
    return nil
  }

  /// The id of a token's bytes.
  func id(of token: [UInt8]) -> Int32? { token.withUnsafeBufferPointer { id(of: $0) } }

  /// The id of a token.
  func id(of token: String) -> Int32? { id(of: Array(token.utf8)) }

  /// The bytes of a token; nil where no token has the id.
  func token(_ id: Int) -> [UInt8]? {
    guard id >= 0, id < bound, sizes[id] > 0 else { return nil }
    let start = Int(starts[id])
    return Array(text[start..<start + Int(sizes[id]) - 1])
  }

  /// Calls a closure with the bytes of a token, which must be there.
  func withToken<Result>(_ id: Int32, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    text.withUnsafeBufferPointer {
      let start = Int(starts[Int(id)])
      return body(.init(rebasing: $0[start..<start + Int(sizes[Int(id)]) - 1]))
    }
  }

  /// The ids that have a token, in order.
  var ids: some Sequence<Int> { sizes.indices.lazy.filter { sizes[$0] > 0 } }

  @inline(__always)
  private static func hash(_ token: UnsafeBufferPointer<UInt8>, _ seed: UInt64) -> UInt64 {
    guard let base = token.baseAddress else { return mixed(seed) }
    return hashBytes(base, token.count, seed: seed)
  }

  @inline(__always)
  private func isEqual(
    _ entry: UInt64, _ hash: UInt64, _ token: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    guard (entry ^ hash) >> 32 == 0 else { return false }
    let id = Int(truncatingIfNeeded: entry & 0xFFFF_FFFF) &- 1
    guard Int(sizes[id]) == token.count &+ 1 else { return false }
    let start = Int(starts[id])
    return text.withUnsafeBufferPointer { text in
      for i in 0..<token.count where text[start &+ i] != token[i] { return false }
      return true
    }
  }

  private mutating func grow(to capacity: Int) {
    let larger = Block<UInt64>(repeating: 0, count: capacity)
    for old in 0..<slots.count where slots.base[old] != 0 {
      let id = Int32(truncatingIfNeeded: slots.base[old] & 0xFFFF_FFFF) - 1
      let hash = withToken(id) { Self.hash($0, seed) }
      var slot = Int(truncatingIfNeeded: hash) & (capacity - 1)
      while larger.base[slot] != 0 { slot = (slot + 1) & (capacity - 1) }
      larger.base[slot] = slots.base[old]
    }
    slots = larger
  }
}
