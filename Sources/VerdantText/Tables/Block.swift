/// Memory of fixed size that tables read without checks of bounds; its owner masks every index.
///
/// It is written while one owner makes it and only read afterwards, or used by one call at a time.
final class Block<Element: BitwiseCopyable>: @unchecked Sendable {
  let base: UnsafeMutablePointer<Element>
  let count: Int

  init(repeating element: Element, count: Int) {
    self.count = count
    base = .allocate(capacity: max(1, count))
    base.initialize(repeating: element, count: count)
  }

  deinit { base.deallocate() }
}

/// Mixes bytes into 64 bits; the seed keeps files from choosing collisions.
@inline(__always)
func hashBytes(_ bytes: UnsafePointer<UInt8>, _ count: Int, seed: UInt64) -> UInt64 {
  var state = seed ^ (UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15)
  var i = 0
  let raw = UnsafeRawPointer(bytes)
  while i &+ 8 <= count {
    state = mixed(state ^ raw.loadUnaligned(fromByteOffset: i, as: UInt64.self))
    i &+= 8
  }
  if i < count {
    var tail: UInt64 = 0
    while i < count {
      tail = tail << 8 | UInt64(bytes[i])
      i &+= 1
    }
    state = mixed(state ^ tail)
  }
  return state
}

/// A product of full width folded to 64 bits.
@inline(__always)
func mixed(_ value: UInt64) -> UInt64 {
  let product = value.multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
  return product.high ^ product.low
}

/// The power of two that holds `count` entries at a load of at most two thirds.
func tableCapacity(_ count: Int) -> Int {
  var capacity = 16
  while capacity < count + count / 2 { capacity *= 2 }
  return capacity
}
