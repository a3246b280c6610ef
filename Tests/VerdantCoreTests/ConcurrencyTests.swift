import Testing
import Verdant
import VerdantTestKit

@Suite struct ConcurrencyTests {
  // Several callers share one pool of threads, and each must get its own results.
  @Test func callersDoNotDisturbEachOther() async {
    let expected = (0..<6).map { work(UInt64($0)) }
    let wrong = await withTaskGroup(of: Int.self) { group in
      for task in 0..<12 {
        group.addTask {
          (0..<15).filter { _ in work(UInt64(task % 6)) != expected[task % 6] }.count
        }
      }
      return await group.reduce(0, +)
    }
    #expect(wrong == 0)
  }

  @Test func changingTheThreadCountIsHarmless() async {
    await #expect(processExitsWith: .success) {
      let expected = (0..<4).map { work(UInt64($0)) }
      let wrong = await withTaskGroup(of: Int.self) { group in
        group.addTask {
          for step in 0..<400 {
            Compute.threadCount = 1 + step % 2
            await Task.yield()
          }
          return 0
        }
        for task in 0..<4 {
          group.addTask { (0..<20).filter { _ in work(UInt64(task)) != expected[task] }.count }
        }
        return await group.reduce(0, +)
      }
      #expect(wrong == 0)
    }
  }

  @Test func threadCountStaysWithinTheCores() async {
    await #expect(processExitsWith: .success) {
      Compute.threadCount = 0
      #expect(Compute.threadCount == 1)
      Compute.threadCount = 1_000_000
      #expect(Compute.threadCount == Compute.coreCount)
    }
  }
}

private func work(_ seed: UInt64) -> [UInt32] {
  let x = Tensor.random([90, 40], .normal(deviation: 1), RandomSource(seed: seed))
  let w = Tensor.random([130, 40], .normal(deviation: 1), RandomSource(seed: seed + 50))
  let results = valueAndGradients(of: [x, w, .ones([40])]) {
    (affine(layerNorm($0[0], scale: $0[2]), $0[1], activation: .gelu)).total()
  }
  return ([results.value] + results.gradients).flatMap { $0.floats.map(\.bitPattern) }
}
