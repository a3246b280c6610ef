internal import CVerdant
import Synchronization

/// Memory for tests: blocks full of NaNs, so that an operation that reads what it did not write
/// shows, between zones whose change tells at release that an operation wrote outside.
final class GuardedMemory: Sendable {
  // One cache line: the next block's alignment stays the same.
  private static let zone = 64
  private static let mark: UInt8 = 0xA5

  private let overruns = Atomic<Int>(0)

  /// Released blocks that were written outside.
  var overrunCount: Int { overruns.load(ordering: .relaxed) }

  /// A block of `bytes` NaN bytes within `block`, which has room for its zones.
  func prepare(_ block: UnsafeMutableRawPointer, _ bytes: Int) -> UnsafeMutableRawPointer {
    let start = block + Self.zone
    for zone in [block, start + bytes] {
      UnsafeMutableRawBufferPointer(start: zone, count: Self.zone)
        .initializeMemory(as: UInt8.self, repeating: Self.mark)
    }
    vd_poison(start, bytes)
    return start
  }

  /// Bytes that a block of `bytes` takes with its zones.
  static func size(_ bytes: Int) -> Int { bytes + 2 * zone }

  /// Looks at the zones of a block that `prepare` gave.
  func check(_ start: UnsafeMutableRawPointer, _ bytes: Int) {
    let zones = [start - Self.zone, start + bytes]
    let isWhole = zones.allSatisfy {
      UnsafeRawBufferPointer(start: $0, count: Self.zone).allSatisfy { $0 == Self.mark }
    }
    if !isWhole { overruns.add(1, ordering: .relaxed) }
  }
}
