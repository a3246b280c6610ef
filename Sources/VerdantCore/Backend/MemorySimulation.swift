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
    /// Resident bytes of all blocks: the pool returns none.
    public var poolByteCount = 0
    /// Bytes of all blocks, touched or not.
    public var blockByteCount = 0
    /// Bytes of all blocks as the pool asks for them, with what alignment may skip.
    public var addressSpaceByteCount = 0
    /// Scratch space of the calling thread for kernels that work on it alone.
    public var callerScratchByteCount = 0
    /// Scratch space of each thread for kernels that work on all.
    public var threadScratchByteCount = 0
  }

  private struct Block {
    let size: Int
    // A system hands out pages when they are written: the rest of a block costs nothing.
    var touched: Int
  }

  private struct State {
    var free = BlockList<Int>()
    var blocks: [Block] = []
    var use = Use()
  }

  private let state = Mutex(State())

  /// A simulation that has seen nothing.
  public init() {}

  /// What the simulated work took so far.
  public var use: Use {
    state.withLock { state in
      var use = state.use
      for block in state.blocks {
        use.blockByteCount += block.size
        use.poolByteCount += Self.residentBytes(of: block)
        use.addressSpaceByteCount += block.size + (block.size >= Self.hugePage ? Self.hugePage : 0)
      }
      return use
    }
  }

  /// Begins the life of a tensor and returns the number and the size of its block.
  func take(_ bytes: Int) -> (block: Int, size: Int) {
    state.withLock { state in
      state.use.liveByteCount += bytes
      state.use.peakLiveByteCount = max(state.use.peakLiveByteCount, state.use.liveByteCount)
      let (reused, size) = state.free.take(bytes)
      if let reused {
        state.blocks[reused].touched = max(state.blocks[reused].touched, bytes)
        return (reused, size)
      }
      state.blocks.append(Block(size: size, touched: bytes))
      return (state.blocks.count - 1, size)
    }
  }

  /// Ends the life of a tensor of `bytes`.
  func give(_ block: Int, size: Int, bytes: Int) {
    state.withLock { state in
      state.use.liveByteCount -= bytes
      state.free.give(block, size: size)
    }
  }

  /// Notes the scratch space of a kernel, which threads keep once they had it.
  func useScratch(caller: Int = 0, eachThread: Int = 0) {
    state.withLock { state in
      state.use.callerScratchByteCount = max(state.use.callerScratchByteCount, caller)
      state.use.threadScratchByteCount = max(state.use.threadScratchByteCount, eachThread)
    }
  }

  // Blocks from this size on lie on huge pages, so that the first byte of each page costs all.
  private static let hugePage = 2 << 20

  private static func residentBytes(of block: Block) -> Int {
    guard block.size >= hugePage else { return block.touched }
    return min(block.size, (block.touched + hugePage - 1) / hugePage * hugePage)
  }
}
