/// Which part of which region of memory serves a request: the one policy that the memory pool and
/// its simulation share. The smallest free part that fits serves; free neighbors become one, so that
/// the room of a few large tensors serves many small ones later.
struct FreeSpace {
  /// A part of a region, in bytes.
  struct Block: Sendable, Equatable {
    let region: Int
    let start: Int
    let size: Int

    fileprivate var end: Int { start + size }

    fileprivate static func isBefore(_ a: Block, _ b: Block) -> Bool {
      if a.size != b.size { return a.size < b.size }
      return a.region != b.region ? a.region < b.region : a.start < b.start
    }
  }

  private struct Place: Hashable {
    let region: Int
    let offset: Int
  }

  /// The free parts of the regions of one class, by size and by their ends.
  private struct Parts {
    var sorted: [Block] = []
    var byStart: [Place: Block] = [:]
    var byEnd: [Place: Block] = [:]

    /// The first part that does not come before another.
    func position(of block: Block) -> Int {
      var (low, high) = (0, sorted.count)
      while low < high {
        let middle = (low + high) / 2
        if Block.isBefore(sorted[middle], block) { low = middle + 1 } else { high = middle }
      }
      return low
    }

    mutating func insert(_ block: Block) {
      sorted.insert(block, at: position(of: block))
      byStart[Place(region: block.region, offset: block.start)] = block
      byEnd[Place(region: block.region, offset: block.end)] = block
    }

    mutating func remove(_ block: Block) {
      sorted.remove(at: position(of: block))
      byStart[Place(region: block.region, offset: block.start)] = nil
      byEnd[Place(region: block.region, offset: block.end)] = nil
    }
  }

  // Small blocks have regions of their own: a number that outlives its neighbors would keep them
  // from becoming one.
  private static let large = 1 << 20
  private static let page = 4096
  private static let hugePage = 2 << 20
  private static let region = 32 << 20

  private var small = Parts()
  private var large = Parts()
  private var regionSizes: [Int] = []
  /// Bytes of the free parts.
  private(set) var heldBytes = 0

  /// A block for `bytes`; when none is free it is the first of a new region, whose size comes with
  /// it.
  mutating func take(_ bytes: Int) -> (block: Block, newRegion: Int?) {
    let least = Self.rounded(max(bytes, 1), to: 64)
    if least < Self.large { return take(least, \.small) }
    return take(Self.rounded(least, to: Self.page), \.large)
  }

  private mutating func take(
    _ size: Int, _ parts: WritableKeyPath<FreeSpace, Parts>
  ) -> (block: Block, newRegion: Int?) {
    let position = self[keyPath: parts].position(of: Block(region: 0, start: 0, size: size))
    var found: Block
    var newRegion: Int?
    if position < self[keyPath: parts].sorted.count {
      found = self[keyPath: parts].sorted[position]
      self[keyPath: parts].remove(found)
      heldBytes -= found.size
    } else {
      let room =
        size < Self.large ? Self.large : max(Self.region, Self.rounded(size, to: Self.hugePage))
      found = Block(region: regionSizes.count, start: 0, size: room)
      regionSizes.append(room)
      newRegion = room
    }
    if found.size > size {
      let rest = Block(region: found.region, start: found.start + size, size: found.size - size)
      self[keyPath: parts].insert(rest)
      heldBytes += rest.size
      found = Block(region: found.region, start: found.start, size: size)
    }
    return (found, newRegion)
  }

  /// Frees a block that `take` gave.
  mutating func give(_ block: Block) {
    if block.size >= Self.large { give(block, \.large) } else { give(block, \.small) }
  }

  private mutating func give(_ block: Block, _ parts: WritableKeyPath<FreeSpace, Parts>) {
    heldBytes += block.size
    var (start, end) = (block.start, block.end)
    if let before = self[keyPath: parts].byEnd[Place(region: block.region, offset: start)] {
      self[keyPath: parts].remove(before)
      start = before.start
    }
    if let after = self[keyPath: parts].byStart[Place(region: block.region, offset: end)] {
      self[keyPath: parts].remove(after)
      end = after.end
    }
    self[keyPath: parts].insert(Block(region: block.region, start: start, size: end - start))
  }

  /// Forgets the regions that are free as a whole, and returns their numbers and sizes.
  mutating func removeFreeRegions() -> [(region: Int, size: Int)] {
    var removed: [(region: Int, size: Int)] = []
    for parts in [\FreeSpace.small, \FreeSpace.large] {
      for block in self[keyPath: parts].sorted where block.size == regionSizes[block.region] {
        self[keyPath: parts].remove(block)
        heldBytes -= block.size
        removed.append((block.region, block.size))
      }
    }
    return removed
  }

  private static func rounded(_ value: Int, to step: Int) -> Int {
    (value + step - 1) / step * step
  }
}
