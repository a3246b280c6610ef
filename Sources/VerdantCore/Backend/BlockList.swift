/// Free blocks of memory, and which of them serves a request: the one policy that the memory pool
/// and its simulation share.
struct BlockList<Block> {
  private var blocks: [Int: [Block]] = [:]
  /// Bytes of the free blocks.
  private(set) var heldBytes = 0

  /// A free block for `bytes`, and the size that it has or, without one, is to get.
  mutating func take(_ bytes: Int) -> (block: Block?, size: Int) {
    let size = Self.size(for: bytes)
    guard let block = blocks[size]?.popLast() else { return (nil, size) }
    heldBytes -= size
    return (block, size)
  }

  /// Adds a block of a size that `take` gave.
  mutating func give(_ block: Block, size: Int) {
    blocks[size, default: []].append(block)
    heldBytes += size
  }

  /// Forgets all blocks and returns them by size.
  mutating func removeAll() -> [Int: [Block]] {
    defer { self = BlockList() }
    return blocks
  }

  // Steps of an eighth of a power of two: at most 12.5 % of a block is unused, and slightly
  // different sizes share blocks.
  private static func size(for bytes: Int) -> Int {
    let least = max(bytes, 64)
    let power = 1 << (Int.bitWidth - 1 - least.leadingZeroBitCount)
    let step = max(64, power / 8)
    return (least + step - 1) / step * step
  }
}
