import Verdant

/// Times repeated work. The peers' program measures in the same way.
enum Stopwatch {
  /// Median seconds of one call, after one that does not count.
  static func median(seconds budget: Double = 1, least: Int = 3, _ work: () -> Void) -> Double {
    work()
    var times: [Double] = []
    let end = monotonicSeconds() + budget
    repeat {
      let began = monotonicSeconds()
      work()
      times.append(monotonicSeconds() - began)
    } while times.count < least || monotonicSeconds() < end
    return Verdant.median(times)
  }

  /// The shortest of several calls, for limits.
  static func best(seconds budget: Double, _ work: () -> Void) -> Double {
    work()
    var best = Double.infinity
    let end = monotonicSeconds() + budget
    repeat {
      let began = monotonicSeconds()
      work()
      best = min(best, monotonicSeconds() - began)
    } while monotonicSeconds() < end
    return best
  }
}
