import VerdantBase
internal import CVerdant
import Synchronization

/// Keeps released blocks for reuse: a run with fixed shapes takes no new region from the system
/// once it has seen every shape.
final class StoragePool: Sendable {
  private struct State: @unchecked Sendable {
    var space = FreeSpace()
    var regions: [Int: UnsafeMutableRawPointer] = [:]
  }

  private let state = Mutex(State())

  /// A block of at least `bytes`, with undefined content; its first byte and its name for `give`.
  func take(_ bytes: Int) -> (start: UnsafeMutableRawPointer, block: FreeSpace.Block) {
    state.withLock { state in
      let (block, newRegion) = state.space.take(bytes)
      if let newRegion {
        guard let region = vd_allocate(newRegion) else {
          trap("[memory] the system has no block of \(newRegion) bytes left")
        }
        state.regions[block.region] = region
      }
      guard let region = state.regions[block.region] else {
        trap("[memory] region \(block.region) is gone")
      }
      return (region + block.start, block)
    }
  }

  /// Keeps a block that `take` gave.
  func give(_ block: FreeSpace.Block) { state.withLock { $0.space.give(block) } }

  /// Returns all regions that are free as a whole to the system.
  func trim() {
    state.withLock { state in
      for (region, size) in state.space.removeFreeRegions() {
        guard let start = state.regions.removeValue(forKey: region) else {
          trap("[memory] region \(region) is gone")
        }
        vd_free(start, size)
      }
    }
  }

  /// Bytes kept for reuse.
  var heldBytes: Int { state.withLock { $0.space.heldBytes } }
}
