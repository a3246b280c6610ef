public import VerdantBase
public import VerdantCore

/// What a forward pass carries beside the data: explicit, so that nothing hides in layers.
public struct Context: Sendable {
  /// Whether dropout and the like are on.
  public enum Mode: Sendable {
    /// Dropout is on.
    case training
    /// Dropout is off.
    case inference
  }

  /// Whether dropout and the like are on.
  public var mode: Mode
  /// The optimizer step.
  public var step: Int
  /// The randomness of this pass.
  public var random: RandomSource
  /// Losses that parts add to the model's own, by name.
  public var auxiliary: [(name: String, loss: Tensor)] = []

  private var draws = 0

  /// Makes a context.
  public init(_ mode: Mode, step: Int = 0, random: RandomSource = RandomSource(seed: 0)) {
    self.mode = mode
    self.step = step
    self.random = random
  }

  /// A stream that no other call of this pass receives.
  public mutating func nextStream() -> RandomSource {
    draws += 1
    return random.stream(draws)
  }

  /// Dropout in training, the identity otherwise.
  public mutating func dropout(_ x: Tensor, rate: Double) -> Tensor {
    guard case .training = mode, rate > 0 else { return x }
    return VerdantCore.dropout(x, rate: rate, nextStream())
  }
}

/// Which tokens a token may read from.
public enum Mask: Sendable, Equatable {
  /// All.
  case none
  /// Itself and earlier ones.
  case causal
}
