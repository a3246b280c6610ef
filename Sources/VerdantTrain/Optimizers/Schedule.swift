public import VerdantBase

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The learning rate by step: linear warm-up, then a half cosine down to a share of the peak
/// (Loshchilov and Hutter 2017).
public struct Schedule: Knobs {
  /// The forms that exist.
  public enum Kind: String, KnobValue, CaseIterable {
    /// Warm-up, then cosine.
    case cosine
    /// Warm-up, then the peak.
    case constant
  }

  /// The form after the warm-up.
  public var kind = Kind.cosine
  /// Steps of the linear warm-up.
  public var warmupSteps = 0
  /// The share of the peak that the cosine ends at, one step after the last.
  public var finalFraction = 0.1

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<Schedule>] {
    [
      Knob("kind", \.kind, "form after the warm-up"),
      Knob("warmup_steps", \.warmupSteps, 0...(1 << 40), "steps of the linear warm-up"),
      Knob("final_fraction", \.finalFraction, 0...1, "share of the peak that the cosine ends at, one step after the last"),
    ]
  }

  /// The share of the peak at a step counted from 0, of `total` steps.
  public func factor(step: Int, of total: Int) -> Double {
    if step < warmupSteps { return Double(step + 1) / Double(warmupSteps) }
    guard kind == .cosine, total > warmupSteps else { return 1 }
    let progress = min(1, Double(step - warmupSteps) / Double(total - warmupSteps))
    return finalFraction + (1 - finalFraction) * 0.5 * (1 + cos(Double.pi * progress))
  }
}
