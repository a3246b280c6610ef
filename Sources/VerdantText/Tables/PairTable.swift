/// The merges of a byte-pair model: for a pair of tokens its rank and the token it becomes.
struct PairTable: Sendable {
  /// What a pair becomes.
  struct Merge: BitwiseCopyable {
    /// The place in the list of merges; the lowest is applied first.
    var rank: Int32
    var result: Int32

    /// Stands for a pair that is not merged; its rank is above all others.
    static let none = Merge(rank: .max, result: -1)
  }

  private struct Slot: BitwiseCopyable {
    var key: UInt64
    var merge: Merge
  }

  private static let free = UInt64.max

  private(set) var count = 0
  private var slots: Block<Slot>
  private let seed: UInt64

  /// Makes a table for a number of pairs.
  init(capacity: Int) {
    slots = Block(
      repeating: Slot(key: Self.free, merge: .none), count: tableCapacity(max(1, capacity)))
    seed = UInt64.random(in: .min ... .max)
  }

  /// Sets what a pair becomes; the last one of equal pairs counts.
  mutating func set(_ left: Int32, _ right: Int32, _ merge: Merge) {
    if tableCapacity(count + 1) > slots.count { grow() }
    let key = Self.key(left, right)
    var slot = place(key)
    while slots.base[slot].key != Self.free, slots.base[slot].key != key {
      slot = (slot + 1) & (slots.count - 1)
    }
    if slots.base[slot].key == Self.free { count += 1 }
    slots.base[slot] = Slot(key: key, merge: merge)
  }

  /// What a pair becomes.
  @inline(__always)
  func find(_ left: Int32, _ right: Int32) -> Merge {
    let key = Self.key(left, right)
    var slot = place(key)
    while true {
      let entry = slots.base[slot]
      if entry.key == key { return entry.merge }
      if entry.key == Self.free { return .none }
      slot = (slot &+ 1) & (slots.count &- 1)
    }
  }

  @inline(__always)
  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  @inline(__always)
  private func place(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: mixed(key ^ seed)) & (slots.count &- 1)
  }

  private mutating func grow() {
    let old = slots
    slots = Block(repeating: Slot(key: Self.free, merge: .none), count: old.count * 2)
    for i in 0..<old.count where old.base[i].key != Self.free {
      var slot = place(old.base[i].key)
      while slots.base[slot].key != Self.free { slot = (slot + 1) & (slots.count - 1) }
      slots.base[slot] = old.base[i]
    }
  }
}
