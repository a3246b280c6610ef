import VerdantBase
internal import CVerdant
import Synchronization

/// Keeps released blocks for reuse: a run with fixed shapes takes no new block from the system
/// once it has seen every shape.
final class StoragePool: Sendable {
  // Addresses of blocks that nobody uses; ownership moves with them.
  private struct Address: @unchecked Sendable { let start: UnsafeMutableRawPointer }

  private let free = Mutex(BlockList<Address>())

  /// A block of at least `bytes`, with undefined content, and its size.
  func take(_ bytes: Int) -> (block: UnsafeMutableRawPointer, size: Int) {
    let (reused, size) = free.withLock { $0.take(bytes) }
    if let reused { return (reused.start, size) }
    guard let block = vd_allocate(size) else {
      trap("[memory] the system has no block of \(size) bytes left")
    }
    return (block, size)
  }

  /// Keeps a block that `take` gave, with the size that it named.
  func give(_ block: UnsafeMutableRawPointer, size: Int) {
    let address = Address(start: block)
    free.withLock { $0.give(address, size: size) }
  }

  /// Returns all kept blocks to the system.
  func trim() {
    for (size, list) in free.withLock({ $0.removeAll() }) {
      for block in list { vd_free(block.start, size) }
    }
  }

  /// Bytes kept for reuse.
  var heldBytes: Int { free.withLock { $0.heldBytes } }
}
