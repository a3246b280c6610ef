public import VerdantBase

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The learning rate by step: a linear warm-up, then one of several forms down to a share of the
/// peak.
///
/// Steps are counted from 0. Of `W` steps of warm-up, step `t` has `(t + 1) / W` of the peak. What
/// follows is a function of `t` that would reach ``finalFraction`` at step `T`, one after the last of
/// `T` steps, so that no step is wasted on a rate of zero.
public struct Schedule: Knobs {
  /// The forms that exist.
  public enum Kind: String, KnobValue, CaseIterable {
    /// A half cosine over the steps after the warm-up (Loshchilov and Hutter 2017, "SGDR",
    /// equation 5, one period).
    case cosine
    /// A straight line over the steps after the warm-up (Devlin et al. 2019, "BERT", appendix A.2).
    case linear
    /// The peak times `√(W / (t + 1))`, with `W` at least 1; it reaches no final share (Vaswani et
    /// al. 2017, "Attention Is All You Need", equation 3).
    case inverseSquareRoot = "inverse-sqrt"
    /// Warm-up, stable, decay: the peak, then a decay over the last steps (Hu et al. 2024, "MiniCPM",
    /// section 4.2).
    case warmupStableDecay = "wsd"
    /// The peak to the end.
    case constant
  }

  /// Forms of the decay of ``Kind/warmupStableDecay``.
  public enum DecayShape: String, KnobValue, CaseIterable {
    /// A straight line.
    case linear
    /// `1 - √p` of the way from the final share to the peak, at the share `p` of the decay (Hägele
    /// et al. 2024, "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations",
    /// section 3).
    case oneMinusSquareRoot = "1-sqrt"

    fileprivate func height(_ progress: Double) -> Double {
      switch self {
      case .linear: 1 - progress
      case .oneMinusSquareRoot: 1 - progress.squareRoot()
      }
    }
  }

  /// The form after the warm-up.
  public var kind = Kind.cosine
  /// Steps of the linear warm-up.
  public var warmupSteps = 0
  /// The share of the peak that cosine, linear and wsd end at, one step after the last.
  public var finalFraction = 0.1
  /// The share of all steps that wsd decays over, rounded to steps.
  public var decayFraction = 0.2
  /// The steps that wsd decays over; nil for ``decayFraction``. At most all after the warm-up.
  public var decaySteps: Int?
  /// The form of the decay of wsd.
  public var decayShape = DecayShape.oneMinusSquareRoot

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<Schedule>] {
    [
      Knob("kind", \.kind, "form after the warm-up"),
      Knob("warmup_steps", \.warmupSteps, 0...(1 << 40), "steps of the linear warm-up"),
      Knob(
        "final_fraction", \.finalFraction, 0...1,
        "share of the peak that cosine, linear and wsd end at, one step after the last"),
      Knob(
        "decay_fraction", \.decayFraction, 0...1,
        "share of all steps that wsd decays over, at the end"),
      Knob(
        "decay_steps", \.decaySteps, 0...(1 << 40),
        "steps that wsd decays over, in place of decay_fraction"),
      Knob("decay_shape", \.decayShape, "form of the decay of wsd"),
    ]
  }

  /// The share of the peak at a step counted from 0, of `total` steps.
  public func factor(step: Int, of total: Int) -> Double {
    if step < warmupSteps { return Double(step + 1) / Double(warmupSteps) }
    switch kind {
    case .constant: return 1
    case .inverseSquareRoot:
      return (Double(max(1, warmupSteps)) / Double(step + 1)).squareRoot()
    case .cosine:
      return falling(0.5 * (1 + cos(Double.pi * progress(step, from: warmupSteps, total))))
    case .linear: return falling(1 - progress(step, from: warmupSteps, total))
    case .warmupStableDecay:
      let asked = decaySteps ?? Int((decayFraction * Double(total)).rounded())
      let start = max(warmupSteps, total - min(asked, total))
      return falling(decayShape.height(progress(step, from: start, total)))
    }
  }

  /// 0 up to the step `start`, 1 from the step `total` on; 0 where nothing lies between.
  private func progress(_ step: Int, from start: Int, _ total: Int) -> Double {
    guard total > start else { return 0 }
    return min(1, Double(max(0, step - start)) / Double(total - start))
  }

  private func falling(_ height: Double) -> Double { finalFraction + (1 - finalFraction) * height }
}
