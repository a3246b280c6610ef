import Synchronization

/// Follows which blocks the memory pool of the CPU would hold, without taking any: given to a
/// ``ShapeBackend``, it sees every tensor come and go while real code runs on shapes.
public final class MemorySimulation: Sendable {
  /// What the simulated work took so far.
  public struct Use: Sendable, Equatable {
    /// Bytes of the tensors that live now.
    public var liveByteCount = 0
    /// The most bytes of tensors that ever lived at once.
    public var peakLiveByteCount = 0
    /// Resident bytes of all regions: the pool returns none.
    public var poolByteCount = 0
    /// Bytes of all regions, touched or not.
    public var blockByteCount = 0
    /// Bytes of all regions as the pool asks for them, with what alignment may skip.
    public var addressSpaceByteCount = 0
    /// Scratch space of the calling thread for kernels that work on it alone.
    public var callerScratchByteCount = 0
    /// Scratch space of each thread for kernels that work on all.
    public var threadScratchByteCount = 0
  }

  private struct Region {
    let size: Int
    // A system hands out pages when they are written: what lies behind costs nothing.
    var touched = 0
  }

  private struct State {
    var space = FreeSpace()
    var regions: [Region] = []
    var use = Use()
  }

  private let state = Mutex(State())

  /// A simulation that has seen nothing.
  public init() {}

  /// What the simulated work took so far.
  public var use: Use {
    state.withLock { state in
      var use = state.use
      for region in state.regions {
        use.blockByteCount += region.size
        use.poolByteCount += Self.residentBytes(of: region)
        use.addressSpaceByteCount +=
          region.size + (region.size >= Self.hugePage ? Self.hugePage : 0)
      }
      return use
    }
  }

  /// Begins the life of a tensor and returns its block.
  func take(_ bytes: Int) -> FreeSpace.Block {
    state.withLock { state in
      state.use.liveByteCount += bytes
      state.use.peakLiveByteCount = max(state.use.peakLiveByteCount, state.use.liveByteCount)
      let (block, newRegion) = state.space.take(bytes)
      if let newRegion { state.regions.append(Region(size: newRegion)) }
      let end = block.start + bytes
      state.regions[block.region].touched = max(state.regions[block.region].touched, end)
      return block
    }
  }

  /// Ends the life of a tensor of `bytes`.
  func give(_ block: FreeSpace.Block, bytes: Int) {
    state.withLock { state in
      state.use.liveByteCount -= bytes
      state.space.give(block)
    }
  }

  /// Notes the scratch space of a kernel, which threads keep once they had it.
  func useScratch(caller: Int = 0, eachThread: Int = 0) {
    state.withLock { state in
      state.use.callerScratchByteCount = max(state.use.callerScratchByteCount, caller)
      state.use.threadScratchByteCount = max(state.use.threadScratchByteCount, eachThread)
    }
  }

  // Regions from this size on lie on huge pages, so that the first byte of each page costs all.
  private static let hugePage = 2 << 20

  private static func residentBytes(of region: Region) -> Int {
    guard region.size >= hugePage else { return region.touched }
    return min(region.size, (region.touched + hugePage - 1) / hugePage * hugePage)
  }
}
