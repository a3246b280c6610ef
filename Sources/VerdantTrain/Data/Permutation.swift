public import VerdantBase

/// A pseudo-random order of `0..<count` that needs no memory: a Feistel network over the next
/// power of four, walked until it lands inside (Black and Rogaway 2002).
public struct Permutation: Sendable {
  /// The number of elements.
  public let count: Int
  private let random: RandomSource
  private let halfBits: Int

  /// The order that a random stream gives.
  public init(_ count: Int, _ random: RandomSource) {
    require(count >= 0, "[permutation] \(count) elements")
    self.count = count
    self.random = random
    var bits = 1
    while 1 << (2 * bits) < count { bits += 1 }
    halfBits = bits
  }

  /// The element at a place of the order.
  public subscript(place: Int) -> Int {
    require(place >= 0 && place < count, "[permutation] place \(place) of \(count)")
    var value = place
    repeat { value = scrambled(value) } while value >= count
    return value
  }

  private func scrambled(_ value: Int) -> Int {
    let mask = 1 << halfBits - 1
    var left = value >> halfBits
    var right = value & mask
    for round in 0..<4 {
      let word = random.words(at: UInt64(round) << 40 | UInt64(right)).0
      (left, right) = (right, left ^ (Int(word) & mask))
    }
    return left << halfBits | right
  }
}
