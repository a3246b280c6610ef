extension TokenScratch {
  /// Words of at most this many symbols are merged without a heap.
  private static let shortWord = 40

  /// Appends a symbol of a word.
  @inline(__always)
  func add(_ id: Int32, size: Int) {
    symbols.append(
      Symbol(
        id: id, merge: .none, previous: symbols.count &- 1, next: symbols.count &+ 1, size: size))
  }

  /// Merges the symbols of a word: always the pair of the lowest rank, of equal ones the first.
  func merge(by pairs: PairTable) {
    guard symbols.count > 1 else { return }
    for i in 0..<symbols.count - 1 {
      symbols[i].merge = pairs.find(symbols[i].id, symbols[i + 1].id)
    }
    if symbols.count <= Self.shortWord { mergeShort(pairs) } else { mergeLong(pairs) }
  }

  /// Looks for the lowest rank each time, which is fastest for few symbols.
  private func mergeShort(_ pairs: PairTable) {
    let rest = symbols.withUnsafeMutableBufferPointer { symbols in
      guard let base = symbols.baseAddress else { return 0 }
      var count = symbols.count
      while true {
        var best = Int32.max
        var place = 0
        for i in 0..<count &- 1 where base[i].merge.rank < best {
          best = base[i].merge.rank
          place = i
        }
        guard best != .max else { return count }
        base[place].id = base[place].merge.result
        base[place].size &+= base[place &+ 1].size
        count &-= 1
        for i in place &+ 1..<max(count, place &+ 1) { base[i] = base[i &+ 1] }
        base[place].merge =
          place &+ 1 < count ? pairs.find(base[place].id, base[place &+ 1].id) : .none
        if place > 0 { base[place &- 1].merge = pairs.find(base[place &- 1].id, base[place].id) }
      }
    }
    symbols.removeLast(symbols.count - rest)
  }

  /// Takes the lowest rank from a heap: O(n log n) for any word.
  private func mergeLong(_ pairs: PairTable) {
    heap.removeAll(keepingCapacity: true)
    for i in 0..<symbols.count - 1 { enqueue(i) }
    symbols[symbols.count - 1].next = -1
    while let (rank, place) = dequeue() {
      // An entry counts only while the pair at its place is the one it was made for.
      guard symbols[place].size > 0, symbols[place].merge.rank == rank else { continue }
      let right = symbols[place].next
      symbols[place].id = symbols[place].merge.result
      symbols[place].size += symbols[right].size
      symbols[right].size = 0
      let next = symbols[right].next
      symbols[place].next = next
      symbols[place].merge = .none
      if next >= 0 {
        symbols[next].previous = place
        symbols[place].merge = pairs.find(symbols[place].id, symbols[next].id)
        enqueue(place)
      }
      let previous = symbols[place].previous
      if previous >= 0 {
        symbols[previous].merge = pairs.find(symbols[previous].id, symbols[place].id)
        enqueue(previous)
      }
    }
    symbols.removeAll { $0.size == 0 }
  }

  /// Ranks take the upper 24 bits and places the lower 40.
  private func enqueue(_ place: Int) {
    let merge = symbols[place].merge
    guard merge.rank != .max else { return }
    var child = heap.count
    let entry = UInt64(merge.rank) << 40 | UInt64(place)
    heap.append(entry)
    while child > 0 {
      let parent = (child - 1) / 4
      guard entry < heap[parent] else { break }
      heap[child] = heap[parent]
      child = parent
    }
    heap[child] = entry
  }

  private func dequeue() -> (rank: Int32, place: Int)? {
    guard let top = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty {
      var parent = 0
      while true {
        let first = 4 * parent + 1
        guard first < heap.count else { break }
        var least = first
        for child in first + 1..<max(first + 1, min(first + 4, heap.count))
        where heap[child] < heap[least] {
          least = child
        }
        guard heap[least] < last else { break }
        heap[parent] = heap[least]
        parent = least
      }
      heap[parent] = last
    }
    return (Int32(truncatingIfNeeded: top >> 40), Int(top & (1 << 40 - 1)))
  }
}
