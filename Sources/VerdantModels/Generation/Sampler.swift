import VerdantBase

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Chooses the next token from logits.
public struct Sampler: Sendable, Equatable {
  /// Divides the logits; 0 always takes the likeliest token.
  public var temperature: Double
  /// Only that many likeliest tokens count; nil for all.
  public var topK: Int?
  /// Only the likeliest tokens that together reach this probability count (Holtzman et al. 2020).
  public var topP: Double
  /// Seed of the choices.
  public var seed: UInt64

  /// Always the likeliest token.
  public static let greedy = Sampler(temperature: 0)

  /// Makes a sampler.
  public init(temperature: Double = 1, topK: Int? = nil, topP: Double = 1, seed: UInt64 = 0) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.seed = seed
  }

  /// Chooses a token.
  ///
  /// - Parameters:
  ///   - logits: One for each token; those that are not finite are never chosen.
  ///   - position: The number of the choice; the same seed and position choose alike.
  /// - Returns: The token, or nil when no logit is finite.
  public func choose(_ logits: [Float], at position: Int) -> Int? {
    let finite = logits.indices.filter { logits[$0].isFinite }
    guard let best = finite.max(by: { logits[$0] < logits[$1] }) else { return nil }
    guard temperature > 0 else { return best }
    // Ties in the order of the ids, so that the cut is the same everywhere.
    var ranked = finite.sorted { logits[$0] == logits[$1] ? $0 < $1 : logits[$0] > logits[$1] }
    if let topK { ranked.removeLast(max(0, ranked.count - max(topK, 1))) }
    let largest = Double(logits[best])
    var weights = ranked.map { exp((Double(logits[$0]) - largest) / temperature) }
    let total = weights.reduce(0, +)
    if topP < 1 {
      var reached = 0.0
      let cut = weights.firstIndex { weight in
        reached += weight / total
        return reached >= topP
      }
      if let cut { weights.removeLast(weights.count - cut - 1) }
    }
    let kept = weights.reduce(0, +)
    var rest = RandomSource(seed: seed).stream("sampling").uniform(at: UInt64(position)) * kept
    for (index, weight) in weights.enumerated() {
      rest -= weight
      if rest < 0 { return ranked[index] }
    }
    return ranked[weights.count - 1]
  }
}
