public import VerdantBase
public import VerdantCore

/// One layer of a Transformer: a token mixer and a feed-forward network, each added to its input.
public struct Block: Module {
  /// Of the mixer's input, or with post-norm of its sum; of both inputs in a parallel block.
  public var mixerNorm: Norm
  /// Lets tokens read from each other.
  public var mixer: any TokenMixer
  /// Of the feed-forward network; a parallel block has none.
  public var feedForwardNorm: Norm?
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
    feedForwardNorm =
      config.arrangement == .parallel
      ? nil
      : make.inside("feedForwardNorm") { Norm(config.norm, width: size.width, &$0) }
    feedForward = try make.feedForward("feedForward", config.feedForward, width: size.width)
  }

  /// Shows the parts.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.part("mixerNorm", &mixerNorm)
    visitor.mixer("mixer", &mixer)
    visitor.optional("feedForwardNorm", &feedForwardNorm)
    visitor.feedForward("feedForward", &feedForward)
  }

  /// The parts joined as the arrangement says: `[batch, length, width]` → the same shape.
  ///
  /// - Parameter rate: How often training leaves out what a part adds, for a whole sequence; what
  ///   stays grows by `1 / (1 - rate)`, so that inference changes nothing (Huang et al. 2016).
  public func callAsFunction(
    _ x: Tensor, _ mask: Mask, leavingOut rate: Double = 0, _ context: inout Context
  ) -> Tensor {
    joined(x, rate, &context) { x, residual, context in
      mixer(x, mask, adding: residual, &context)
    }
  }

  /// The mixer's output for an input, added to a residual.
  private typealias Mixing = (_ x: Tensor, _ residual: Tensor?, inout Context) -> Tensor

  private func joined(_ x: Tensor, _ rate: Double, _ context: inout Context, _ mix: Mixing)
    -> Tensor
  {
    let precision = context.precision
    switch config.arrangement {
    case .preNorm:
      let mixed = sum(x, rate, &context) { residual, context in
        mix(mixerNorm(x, precision), residual, &context)
      }
      return sum(mixed, rate, &context) { residual, context in
        let normal = feedForwardNorm.map { $0(mixed, precision) } ?? mixed
        return feedForward(normal, adding: residual, &context)
      }
    case .postNorm:
      // Sums and norms stay in f32: they are the residual stream.
      let mixed = mixerNorm(
        sum(x, rate, &context) { mix($1.computing(x), $0, &$1) })
      let all = sum(mixed, rate, &context) {
        feedForward($1.computing(mixed), adding: $0, &$1)
      }
      return feedForwardNorm.map { $0(all) } ?? all
    case .parallel:
      return sum(x, rate, &context) { residual, context in
        let normal = mixerNorm(x, precision)
        return feedForward(normal, adding: mix(normal, residual, &context), &context)
      }
    }
  }

  // x and what a part adds to it, which training leaves out of some sequences.
  private func sum(
    _ x: Tensor, _ rate: Double, _ context: inout Context,
    _ part: (_ residual: Tensor?, inout Context) -> Tensor
  ) -> Tensor {
    guard case .training = context.mode, rate > 0 else { return part(x, &context) }
    let kept = context.dropout(.ones([x.shape[0], 1, 1], on: x.backend), rate: rate)
    return x + part(nil, &context) * kept
  }

  /// The same, keeping the input alone: the backward pass runs the block again.
  func checkpointed(
    _ x: Tensor, _ mask: Mask, leavingOut rate: Double, _ context: inout Context
  ) -> Tensor {
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
      let y = block(inputs[0], mask, leavingOut: rate, &inner)
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
    joined(x, 0, &context) { x, residual, context in
      let mixed = state.step(mixer, x, &context)
      return residual.map { $0 + mixed } ?? mixed
    }
  }
}
