import Testing
import Verdant

@Suite struct ScheduleTests {
  @Test func cosine() {
    var schedule = Schedule()
    #expect(schedule.factor(step: 0, of: 10) == 1)
    #expect(abs(schedule.factor(step: 5, of: 10) - 0.55) < 1e-12)
    #expect(schedule.factor(step: 10, of: 10) == 0.1)
    #expect(schedule.factor(step: 1000, of: 10) == 0.1)
    schedule.warmupSteps = 4
    #expect((0..<5).map { schedule.factor(step: $0, of: 10) } == [0.25, 0.5, 0.75, 1, 1])
    #expect(schedule.factor(step: 2, of: 3) == 0.75)
  }

  @Test func constant() {
    var schedule = Schedule()
    schedule.kind = .constant
    schedule.warmupSteps = 4
    #expect((0..<6).map { schedule.factor(step: $0, of: 6) } == [0.25, 0.5, 0.75, 1, 1, 1])
    schedule.warmupSteps = 0
    #expect(schedule.factor(step: 0, of: 1) == 1)
  }

  @Test func linear() {
    var schedule = Schedule()
    schedule.kind = .linear
    schedule.finalFraction = 0
    schedule.warmupSteps = 2
    expect(schedule, of: 6, [0.5, 1, 1, 0.75, 0.5, 0.25, 0, 0])
    schedule.finalFraction = 0.5
    expect(schedule, of: 6, [0.5, 1, 1, 0.875, 0.75, 0.625, 0.5])
  }

  @Test func inverseSquareRoot() {
    var schedule = Schedule()
    schedule.kind = .inverseSquareRoot
    schedule.warmupSteps = 4
    expect(schedule, of: 100, [0.25, 0.5, 0.75, 1, (4.0 / 5).squareRoot(), (4.0 / 6).squareRoot()])
    #expect(schedule.factor(step: 15, of: 100) == 0.5)
    #expect(schedule.factor(step: 399, of: 10) == 0.1)
    for warmup in [0, 1] {
      schedule.warmupSteps = warmup
      expect(schedule, of: 100, [1, 0.5.squareRoot(), (1.0 / 3).squareRoot(), 0.5])
    }
  }

  @Test func warmupStableDecay() {
    var schedule = Schedule()
    schedule.kind = .warmupStableDecay
    schedule.warmupSteps = 2
    schedule.finalFraction = 0
    schedule.decayFraction = 0.4
    schedule.decayShape = .linear
    expect(schedule, of: 10, [0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0, 0])
    schedule.decayShape = .oneMinusSquareRoot
    expect(schedule, of: 10, [0.5, 1, 1, 1, 1, 1, 1, 0.5, 1 - 0.5.squareRoot()])
    schedule.finalFraction = 0.2
    expect(schedule, of: 10, [0.5, 1, 1, 1, 1, 1, 1, 0.6])
    schedule.decayShape = .linear
    // Steps count before the share, and never reach into the warm-up.
    schedule.decaySteps = 2
    expect(schedule, of: 10, [0.5, 1, 1, 1, 1, 1, 1, 1, 1, 0.6, 0.2])
    schedule.decaySteps = 1000
    expect(schedule, of: 4, [0.5, 1, 1, 0.6, 0.2])
    schedule.decaySteps = 0
    expect(schedule, of: 4, [0.5, 1, 1, 1, 1])
  }

  /// Where one part ends the next begins, and the end is the final share.
  @Test func bordersAreContinuous() {
    let total = 1_000_000
    for kind in Schedule.Kind.allCases {
      for shape in Schedule.DecayShape.allCases {
        for warmup in [0, 1000] {
          var schedule = Schedule()
          schedule.kind = kind
          schedule.decayShape = shape
          schedule.warmupSteps = warmup
          let start = 800_000
          // The slope of the root is infinite at its start: one step of 200 000 is 0.002.
          for step in [max(1, warmup - 1), max(1, warmup), warmup + 1, start - 1, start, start + 1]
          where warmup > 0 || kind != .inverseSquareRoot {
            let change =
              schedule.factor(step: step, of: total)
              - schedule.factor(step: step - 1, of: total)
            #expect(abs(change) < 0.0025, "\(kind) \(shape) \(warmup) \(step)")
          }
          let end = schedule.factor(step: total, of: total)
          switch kind {
          case .cosine, .linear, .warmupStableDecay: #expect(end == 0.1, "\(kind)")
          case .constant: #expect(end == 1)
          case .inverseSquareRoot: #expect(end < 0.1)
          }
        }
      }
    }
  }

  @Test func runsOfFewSteps() {
    for kind in Schedule.Kind.allCases {
      for warmup in 0...3 {
        for total in 1...3 {
          var schedule = Schedule()
          schedule.kind = kind
          schedule.warmupSteps = warmup
          for step in 0..<total {
            let factor = schedule.factor(step: step, of: total)
            #expect(factor > 0 && factor <= 1, "\(kind) \(warmup) \(step) of \(total)")
          }
        }
      }
    }
  }

  private func expect(
    _ schedule: Schedule, of total: Int, _ factors: [Double],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for (step, factor) in factors.enumerated() {
      let found = schedule.factor(step: step, of: total)
      #expect(abs(found - factor) < 1e-12, "step \(step)", sourceLocation: sourceLocation)
    }
  }
}
