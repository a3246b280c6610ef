#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// How the angles of rotary positions change, so that a model reads longer sequences than those it
/// was trained with.
public struct RotaryScaling: Sendable, Equatable {
  /// The rules.
  public enum Kind: String, Sendable, CaseIterable {
    /// All angles are divided by the factor (Chen et al. 2023, "Extending Context Window").
    case linear
    /// The base grows with the length of a sequence beyond the original one ("NTK-aware" scaling
    /// in its dynamic form; Peng et al. 2023, section 3.3).
    case dynamic
    /// Slow angles are divided by the factor, fast ones stay, those between are blended (Llama 3;
    /// Grattafiori et al. 2024).
    case llama3
  }

  /// Which rule.
  public var kind = Kind.linear
  /// How many times longer sequences become.
  public var factor = 1.0
  /// The length of the sequences that a model was trained with; not used by `linear`.
  public var originalLength = 8192
  /// Angles that turn less often than this in the original length are divided; for `llama3`.
  public var lowFrequencyFactor = 1.0
  /// Angles that turn more often than this in the original length stay; for `llama3`.
  public var highFrequencyFactor = 4.0

  /// No change.
  public init() {}
  /// A rule with a factor.
  public init(_ kind: Kind, factor: Double, originalLength: Int = 8192) {
    self.kind = kind
    self.factor = factor
    self.originalLength = originalLength
  }

  /// The angle of one position for each pair of a head's numbers.
  ///
  /// - Parameters:
  ///   - base: The base of the angles.
  ///   - pairs: Half of the width of a head.
  ///   - length: Tokens of the sequence, those before it counted.
  public func frequencies(base: Double, pairs: Int, length: Int) -> [Double] {
    func powers(of base: Double) -> [Double] {
      (0..<pairs).map { pow(base, -Double($0) / Double(pairs)) }
    }
    let original = Double(originalLength)
    switch kind {
    case .linear: return powers(of: base).map { $0 / factor }
    case .dynamic:
      guard length > originalLength, pairs > 1 else { return powers(of: base) }
      let growth = factor * Double(length) / original - (factor - 1)
      return powers(of: base * pow(growth, Double(pairs) / Double(pairs - 1)))
    case .llama3:
      return powers(of: base).map { frequency in
        let turns = original * frequency / (2 * Double.pi)
        if turns > highFrequencyFactor { return frequency }
        if turns < lowFrequencyFactor { return frequency / factor }
        let share = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
        return (1 - share) * frequency / factor + share * frequency
      }
    }
  }
}
