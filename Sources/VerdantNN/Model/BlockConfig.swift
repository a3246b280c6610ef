public import VerdantBase

/// Settings of one block.
public struct BlockConfig: Knobs {
  /// How the parts of a block are joined.
  public enum Arrangement: String, KnobValue, CaseIterable {
    /// Normalize, transform, add: `x + f(norm(x))` (GPT-2).
    case preNorm = "pre-norm"
    /// Transform, add, normalize: `norm(x + f(x))` (Vaswani et al. 2017).
    case postNorm = "post-norm"
    /// One normalization for both parts: `x + mixer(norm(x)) + feedForward(norm(x))` (GPT-J; PaLM,
    /// Chowdhery et al. 2022, section 2).
    case parallel
  }

  /// Which token mixer.
  public var mixer = Spec(SoftmaxAttention.kind)
  /// Which feed-forward network.
  public var feedForward = Spec(MLP.kind)
  /// Which normalization.
  public var norm = NormConfig()
  /// How the parts are joined.
  public var arrangement = Arrangement.preNorm
  /// How the decoder of an encoder–decoder reads what the encoder gives; nil in other stacks.
  public var crossAttention: CrossAttention.Options?

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<BlockConfig>] {
    [
      Knob("mixer", \.mixer, "the token mixer"),
      Knob("feed_forward", \.feedForward, "the feed-forward network"),
      Knob("norm", \.norm, "the normalization"),
      Knob("arrangement", \.arrangement, "how the parts are joined"),
      Knob(
        "cross_attention", \.crossAttention,
        "how a block of the decoder reads what the encoder gives; null in other stacks"),
    ]
  }
}
