import Testing

@testable import VerdantCore

/// The policy of the memory pool by its invariants, on random requests.
@Suite struct FreeSpaceTests {
  private struct Numbers {
    var state: UInt64
    mutating func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
  }

  @Test func blocksNeverOverlapAndEverythingComesBack() {
    var space = FreeSpace()
    var regions: [Int] = []
    var live: [FreeSpace.Block] = []
    var numbers = Numbers(state: 1)
    var liveBytes = 0
    for turn in 0..<4000 {
      // Grows, then shrinks, then hovers.
      let takes = turn < 500 || (turn >= 1000 && numbers.next(2) == 0)
      if takes || live.isEmpty {
        let bytes = [0, 1, 64, 1000, 70_000, (1 << 20) - 1, 1 << 20, 3_000_001, 40 << 20]
        let wanted = bytes[numbers.next(bytes.count)]
        let (block, newRegion) = space.take(wanted)
        if let newRegion {
          #expect(block.region == regions.count && block.start == 0)
          regions.append(newRegion)
        }
        #expect(block.size >= wanted && block.start % 64 == 0)
        #expect(block.start + block.size <= regions[block.region])
        for other in live where other.region == block.region {
          #expect(
            block.start + block.size <= other.start || other.start + other.size <= block.start)
        }
        live.append(block)
        liveBytes += block.size
      } else {
        let block = live.remove(at: numbers.next(live.count))
        liveBytes -= block.size
        space.give(block)
      }
      #expect(space.heldBytes == regions.reduce(0, +) - liveBytes)
    }
    for block in live { space.give(block) }
    #expect(space.heldBytes == regions.reduce(0, +))
    // All parts have become whole regions again.
    let removed = space.removeFreeRegions()
    #expect(removed.map(\.region).sorted() == Array(regions.indices))
    #expect(removed.allSatisfy { regions[$0.region] == $0.size } && space.heldBytes == 0)
  }

  @Test func theRoomOfALargeTensorServesSmallerOnes() {
    var space = FreeSpace()
    let (large, region) = space.take(64 << 20)
    #expect(region == 64 << 20)
    space.give(large)
    let parts = (0..<16).map { _ in space.take(4 << 20) }
    #expect(parts.allSatisfy { $0.newRegion == nil && $0.block.region == large.region })
    #expect(space.heldBytes == 0)
    for part in parts.reversed() { space.give(part.block) }
    #expect(space.take(64 << 20).newRegion == nil)
  }

  @Test func theSmallestPartThatFitsServes() {
    var space = FreeSpace()
    let blocks = [8, 1, 2, 1, 4, 1].map { space.take($0 << 20).block }
    for index in [0, 2, 4] { space.give(blocks[index]) }
    #expect(space.take(2 << 20).block == blocks[2])
    #expect(space.take(3 << 20).block.start == blocks[4].start)
    // What is left of the part of 4 MiB.
    #expect(space.take(1 << 20).block.start == blocks[4].start + (3 << 20))
  }

  @Test func regionsInUseStay() {
    var space = FreeSpace()
    let (first, _) = space.take(100)
    let (second, _) = space.take(2 << 20)
    space.give(second)
    #expect(space.removeFreeRegions().map(\.region) == [second.region])
    space.give(first)
    #expect(space.removeFreeRegions().map(\.region) == [first.region])
    // Numbers of regions are not used twice.
    #expect(space.take(100).block.region == 2)
  }
}
