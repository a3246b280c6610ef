public import VerdantBase
public import VerdantCore

/// One layer of a Transformer: a token mixer and a feed-forward network, each added to its input.
public struct Block: Module {
  /// Before the mixer.
  public var mixerNorm: Norm
  /// Lets tokens read from each other.
  public var mixer: any TokenMixer
  /// Before the feed-forward network.
  public var feedForwardNorm: Norm
  /// Transforms each token.
  public var feedForward: any FeedForward
  /// The settings.
  public let config: BlockConfig

  /// Builds the parts.
  public init(_ config: BlockConfig, _ size: MixerSize, _ make: inout Maker)
    throws(ConfigError)
  {
    self.config = config
    mixerNorm = make.inside("mixerNorm") { Norm(config.norm, width: size.width, &$0) }
    mixer = try make.mixer("mixer", config.mixer, size)
    feedForwardNorm = make.inside("feedForwardNorm") {
      Norm(config.norm, width: size.width, &$0)
    }
    feedForward = try make.feedForward("feedForward", config.feedForward, width: size.width)
  }

  /// Shows the parts.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.part("mixerNorm", &mixerNorm)
    visitor.mixer("mixer", &mixer)
    visitor.part("feedForwardNorm", &feedForwardNorm)
    visitor.feedForward("feedForward", &feedForward)
  }

  /// `x + mixer(norm(x))`, then `x + feedForward(norm(x))`.
  public func callAsFunction(_ x: Tensor, _ mask: Mask, _ context: inout Context) -> Tensor {
    let mixed = mixer(mixerNorm(x, context.precision), mask, adding: x, &context)
    return feedForward(feedForwardNorm(mixed, context.precision), adding: mixed, &context)
  }

  /// The same, keeping the input alone: the backward pass runs the block again.
  func checkpointed(_ x: Tensor, _ mask: Mask, _ context: inout Context) -> Tensor {
    let before = context
    var after = context
    // The tape keeps the closure: a recorded parameter in it would keep the tape.
    var plain = self
    plain.updateParameters { _, parameter in parameter.value = parameter.value.detached() }
    let output = VerdantCore.checkpointed([x] + parameters.map(\.parameter.value)) { inputs in
      var block = plain
      var next = 1
      block.updateParameters { _, parameter in
        parameter.value = inputs[next]
        next += 1
      }
      var inner = before
      let y = block(inputs[0], mask, &inner)
      require(
        inner.auxiliary.count == before.auxiliary.count,
        "[block] a part with a loss of its own cannot be checkpointed")
      after = inner
      return y
    }
    context = after
    return output
  }

  /// The same for new tokens, with the mixer's state of those read before.
  func step(_ x: Tensor, _ state: inout MixerState, _ context: inout Context) -> Tensor {
    let mixed = x + state.step(mixer, mixerNorm(x, context.precision), &context)
    return feedForward(feedForwardNorm(mixed, context.precision), adding: mixed, &context)
  }
}
