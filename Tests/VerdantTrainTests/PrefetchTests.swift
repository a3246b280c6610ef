import Foundation
import Synchronization
import Testing
import Verdant

/// A source that shows what was asked of it, and fails where it is told to.
private final class ShowingSource: BatchSource {
  let sampleCount = 1000
  let failing: Int
  let delay: Double
  let calls = Mutex<[Int]>([])

  init(failing: Int = -1, delay: Double = 0) {
    self.failing = failing
    self.delay = delay
  }

  func rows(from sample: Int, count: Int) throws(DataError) -> TokenRows {
    if delay > 0 { Thread.sleep(forTimeInterval: delay) }
    calls.withLock { $0.append(sample) }
    guard !(sample..<sample + count).contains(failing) else {
      throw DataError(.changed, "the file changed", file: "a.txt")
    }
    let stream = TokenStream([(0...40).map { UInt8(sample % 100 + $0) }], ByteTokenizer())
    return try ShuffledWindows(stream, length: 2, RandomSource(seed: UInt64(sample)))
      .rows(from: sample, count: count)
  }
}

@Suite struct PrefetchTests {
  @Test(arguments: [1, 2, 5], [0, 0.002])
  func theOrderIsThatOfTheSource(_ depth: Int, _ delay: Double) throws {
    let plain = ShowingSource()
    let prefetched = PrefetchedBatches(ShowingSource(delay: delay), depth: depth)
    #expect(prefetched.sampleCount == 1000)
    for step in 0..<30 {
      #expect(
        try prefetched.rows(from: step * 4, count: 4) == plain.rows(from: step * 4, count: 4))
    }
    // Another place, the same place again, another count.
    for (sample, count) in [(700, 4), (704, 4), (704, 4), (3, 1), (4, 7), (0, 4), (4, 4)] {
      #expect(
        try prefetched.rows(from: sample, count: count) == plain.rows(from: sample, count: count))
    }
    let batch = try prefetched.batch(from: 8, count: 4)
    #expect(batch.tokens.integers == (try plain.rows(from: 8, count: 4)).tokens)
    #expect(batch.targetCount == 8)
  }

  @Test func noMoreThanTheDepthIsPrepared() throws {
    let source = ShowingSource()
    let prefetched = PrefetchedBatches(source, depth: 2)
    _ = try prefetched.rows(from: 0, count: 4)
    for _ in 0..<100 where source.calls.withLock({ $0.count < 3 }) {
      Thread.sleep(forTimeInterval: 0.01)
    }
    Thread.sleep(forTimeInterval: 0.05)
    #expect(source.calls.withLock { $0 } == [0, 4, 8])
  }

  @Test func errorsComeWithTheirBatch() throws {
    let source = ShowingSource(failing: 13)
    let prefetched = PrefetchedBatches(source, depth: 3)
    for step in 0..<3 { _ = try prefetched.rows(from: step * 4, count: 4) }
    for _ in 0..<3 {
      let error = #expect(throws: DataError.self) { try prefetched.rows(from: 12, count: 4) }
      #expect(error?.kind == .changed)
    }
    // Behind the place that cannot be read all is well.
    #expect(try prefetched.rows(from: 16, count: 4) == source.rows(from: 16, count: 4))
    #expect(try prefetched.rows(from: 20, count: 4) == source.rows(from: 20, count: 4))
  }

  @Test func theThreadEndsWithItsValue() throws {
    weak var source: ShowingSource?
    do {
      let made = ShowingSource(delay: 0.001)
      source = made
      for count in 0..<20 {
        let prefetched = PrefetchedBatches(made, depth: 4)
        for step in 0..<count { _ = try prefetched.rows(from: step, count: 1) }
      }
    }
    // The thread lets go of the source a moment after it said that it ends.
    for _ in 0..<200 where source != nil { Thread.sleep(forTimeInterval: 0.01) }
    #expect(source == nil)
  }

  @Test func manyCallersGetTheirRows() throws {
    let plain = ShowingSource()
    let prefetched = PrefetchedBatches(ShowingSource(), depth: 2)
    let wrong = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 8) { caller in
      for step in 0..<50 {
        let sample = caller * 50 + step
        let found = try? prefetched.rows(from: sample, count: 1)
        let expected = try? plain.rows(from: sample, count: 1)
        if found == nil || found != expected { wrong.add(1, ordering: .relaxed) }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
  }

  @Test func runsAreTheSameWithAndWithout() throws {
    try withText { path in
      func run(_ depth: Int, steps: Int = 8) throws -> [[UInt32]] {
        var trainer = try Trainer(
          smallRecipe(path) {
            $0.data.prefetch = depth
            $0.training.accumulation = 2
          })
        var step = 0
        _ = try trainer.run { event in
          if case .step = event { step += 1 }
          return step == steps ? .stop : .proceed
        }
        return trainer.model.bits
      }
      let plain = try run(0)
      for depth in [1, 2, 7] { #expect(try run(depth) == plain) }
      #expect(try run(3, steps: 3) == run(0, steps: 3))
    }
  }
}
