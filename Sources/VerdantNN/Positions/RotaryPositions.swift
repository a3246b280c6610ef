public import VerdantBase
public import VerdantCore

/// Queries and keys turned by the angles of their positions (Su et al. 2021), in every mixer.
public struct RotaryPositions: PositionEncoding {
  /// The name in configurations.
  public static let kind = "rotary"

  /// The base of the angles.
  public let rotaryBase: Double?
  /// How the angles change for long sequences.
  public let rotaryScaling: RotaryScaling?

  /// Takes the base from the settings.
  public init(
    _ config: EmbeddingConfig, width: Int, maximumLength: Int, _ make: inout Maker
  ) throws(ConfigError) {
    if let scaling = config.rotaryScaling, scaling.kind == .llama3 {
      guard scaling.lowFrequencyFactor < scaling.highFrequencyFactor else {
        throw ConfigError(
          .inconsistent,
          "a low frequency factor of \(scaling.lowFrequencyFactor), a high one of "
            + "\(scaling.highFrequencyFactor)",
          place: "embedding.rotary_scaling.low_frequency_factor", rule: "below the high one")
      }
    }
    rotaryBase = config.rotaryBase
    rotaryScaling = config.rotaryScaling
  }

  /// Nothing to show.
  public mutating func visit(_ visitor: inout some Visitor) {}

  /// The input: mixers see the positions.
  public func added(to x: Tensor, from start: Int) -> Tensor { x }
}

extension RotaryScaling.Kind: KnobValue {}

extension RotaryScaling: Knobs {
  /// The declared options.
  public static var knobs: [Knob<RotaryScaling>] {
    [
      Knob("kind", \.kind, "which rule"),
      Knob("factor", \.factor, 1...1e6, "how many times longer sequences become"),
      Knob(
        "original_length", \.originalLength, 1...(1 << 24),
        "length of the sequences in training; not used by 'linear'"),
      Knob(
        "low_frequency_factor", \.lowFrequencyFactor, 1e-3...1e6,
        "slower angles in turns within the original length are divided; 'llama3' alone"),
      Knob(
        "high_frequency_factor", \.highFrequencyFactor, 1e-3...1e6,
        "faster angles stay; 'llama3' alone"),
    ]
  }
}
