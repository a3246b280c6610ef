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
  /// The number form of products and saved activations.
  public var precision: Precision
  /// True when blocks keep their input alone and run again in the backward pass.
  public var checkpointsBlocks = false
  /// The share of each target that training spreads over the vocabulary (Szegedy et al. 2016).
  public var labelSmoothing = 0.0
  /// The optimizer step.
  public var step: Int
  /// The randomness of this pass.
  public var random: RandomSource
  /// Sees the output of the embedding, of each block and of the last norm, by path, in the order in
  /// which they are computed, and of attention the queries, keys and values; nil when nobody looks.
  public var observer: (@Sendable (_ path: String, _ output: Tensor) -> Void)?
  /// The path of the block that is computed.
  public internal(set) var place = ""
  /// Losses that parts add to the model's own, by name.
  public var auxiliary: [(name: String, loss: Tensor)] = []

  private var draws = 0

  /// Makes a context.
  public init(
    _ mode: Mode, precision: Precision = .float32, step: Int = 0,
    random: RandomSource = RandomSource(seed: 0)
  ) {
    self.mode = mode
    self.precision = precision
    self.step = step
    self.random = random
  }

  /// A stream that no other call of this pass receives.
  public mutating func nextStream() -> RandomSource {
    draws += 1
    return random.stream(draws)
  }

  /// A tensor in the form that products read: what enters a linear map.
  public func computing(_ x: Tensor) -> Tensor {
    precision == .bfloat16 ? x.cast(to: .bfloat16) : x
  }

  /// The smoothing of targets in training, 0 otherwise.
  var usedSmoothing: Double {
    if case .training = mode { labelSmoothing } else { 0 }
  }

  /// Dropout in training, the identity otherwise.
  public mutating func dropout(_ x: Tensor, rate: Double) -> Tensor {
    guard case .training = mode, rate > 0 else { return x }
    return VerdantCore.dropout(x, rate: rate, nextStream())
  }
}

/// The number form of products and saved activations; weights, the residual stream, statistics,
/// losses, weight gradients and the optimizer's state are f32 in any case.
public enum Precision: String, KnobValue, CaseIterable {
  /// Single precision throughout.
  case float32 = "f32"
  /// Inputs of products, saved activations and their gradients in bf16.
  case bfloat16 = "bf16"
}

/// Which tokens a token may read from.
public struct Mask: Sendable {
  /// True when a token reads from itself and earlier ones alone.
  public var isCausal: Bool
  /// How many tokens of each sequence exist, integers `[batch]`; nil for all. Nothing reads from
  /// those beyond.
  public var lengths: Tensor?
  /// What is added to the scores of attention by distance, `[heads, 2 · length - 1]`; nil for
  /// nothing.
  public var bias: Tensor?

  /// Makes a mask.
  public init(isCausal: Bool, lengths: Tensor? = nil, bias: Tensor? = nil) {
    self.isCausal = isCausal
    self.lengths = lengths
    self.bias = bias
  }

  /// All.
  public static let none = Mask(isCausal: false)
  /// Itself and earlier ones.
  public static let causal = Mask(isCausal: true)
}
