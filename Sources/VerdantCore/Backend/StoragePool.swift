import VerdantBase
internal import CVerdant
import Synchronization

/// Keeps released blocks for reuse: a run with fixed shapes takes no new block from the system
/// once it has seen every shape.
final class StoragePool: Sendable {
  private struct Free: @unchecked Sendable {
    // Addresses of blocks that nobody uses; ownership moves with them.
    var blocks: [Int: [UnsafeMutableRawPointer]] = [:]
    var heldBytes = 0
  }

  private let free = Mutex(Free())

  /// A block of at least `bytes`, with undefined content.
  func take(_ bytes: Int) -> UnsafeMutableRawPointer {
    let size = Self.blockSize(bytes)
    let reused = free.withLock { free -> UnsafeMutableRawPointer? in
      guard let block = free.blocks[size]?.popLast() else { return nil }
      free.heldBytes -= size
      return block
    }
    if let reused { return reused }
    guard let block = vd_allocate(size) else {
      trap("[memory] the system has no block of \(size) bytes left")
    }
    return block
  }

  /// Keeps a block that `take(bytes)` gave.
  func give(_ block: UnsafeMutableRawPointer, _ bytes: Int) {
    let size = Self.blockSize(bytes)
    free.withLock { free in
      free.blocks[size, default: []].append(block)
      free.heldBytes += size
    }
  }

  /// Returns all kept blocks to the system.
  func trim() {
    let blocks = free.withLock { free in
      let all = free.blocks
      free.blocks = [:]
      free.heldBytes = 0
      return all
    }
    for (size, list) in blocks {
      for block in list { vd_free(block, size) }
    }
  }

  /// Bytes kept for reuse.
  var heldBytes: Int { free.withLock { $0.heldBytes } }

  // Steps of an eighth of a power of two: at most 12.5 % of a block is unused, and slightly
  // different sizes share blocks.
  private static func blockSize(_ bytes: Int) -> Int {
    let least = max(bytes, 64)
    let power = 1 << (Int.bitWidth - 1 - least.leadingZeroBitCount)
    let step = max(64, power / 8)
    return (least + step - 1) / step * step
  }
}
