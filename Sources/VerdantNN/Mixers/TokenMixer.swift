public import VerdantBase
public import VerdantCore

/// Sizes of a token mixer.
public struct MixerSize: Sendable, Equatable {
  /// The width of a token.
  public let width: Int
  /// The longest sequence.
  public let maximumLength: Int
  /// The base of the angles by which queries and keys turn; nil for none.
  public let rotaryBase: Double?
  /// How those angles change for long sequences; nil for not at all.
  public let rotaryScaling: RotaryScaling?
  /// The heads for which there is a bias of scores; nil for none.
  public let biasHeads: Int?

  /// Makes a size.
  public init(
    width: Int, maximumLength: Int, rotaryBase: Double? = nil,
    rotaryScaling: RotaryScaling? = nil, biasHeads: Int? = nil
  ) {
    self.rotaryScaling = rotaryScaling
    self.biasHeads = biasHeads
    self.width = width
    self.maximumLength = maximumLength
    self.rotaryBase = rotaryBase
  }
}

/// Which masks a mixer can obey.
public enum Causality: Sendable {
  /// Only a causal mask.
  case causalOnly
  /// Only none.
  case bidirectionalOnly
  /// Either.
  case both
}

/// Lets tokens read from each other: `[batch, length, width]` → the same shape.
public protocol TokenMixer: Module {
  /// The mixer's settings.
  associatedtype Options: Knobs
  /// The name in configurations.
  static var kind: String { get }
  /// Which masks it can obey.
  static var causality: Causality { get }
  /// Whether it can turn queries and keys by their positions.
  static var appliesRotary: Bool { get }
  /// Whether it can add a bias to the scores of queries and keys.
  static var appliesBias: Bool { get }
  /// Builds the mixer; throws when the options do not fit the size.
  init(_ options: Options, _ size: MixerSize, _ make: inout Maker) throws(ConfigError)
  /// The settings.
  var options: Options { get }
  /// Mixes whole sequences, and adds them to `residual` `[batch, length, width]` (f32) when there
  /// is one.
  func callAsFunction(
    _ x: Tensor, _ mask: Mask, adding residual: Tensor?, _ context: inout Context
  ) -> Tensor
  /// Settings for checks, that fit a width of 8.
  static var examples: [Options] { get }
}

extension TokenMixer {
  /// False.
  public static var appliesRotary: Bool { false }
  /// False.
  public static var appliesBias: Bool { false }

  /// Mixes whole sequences.
  public func callAsFunction(_ x: Tensor, _ mask: Mask, _ context: inout Context) -> Tensor {
    self(x, mask, adding: nil, &context)
  }
}

/// A mixer that can read a sequence piece by piece: softmax attention keeps keys and values, a
/// linear one a matrix.
public protocol StreamingMixer: TokenMixer {
  /// What it keeps of the tokens read.
  associatedtype State: Sendable
  /// The state before the first token, with room for `capacity` tokens.
  func initialState(batch: Int, capacity: Int, on backend: any Backend) -> State
  /// Mixes new tokens `[batch, new, width]` with those read before.
  ///
  /// - Parameter bias: What is added to the scores by distance, `[heads, new + read - 1]` with all
  ///   that were read then; nil for nothing.
  func step(_ x: Tensor, _ state: inout State, bias: Tensor?, _ context: inout Context) -> Tensor
}
