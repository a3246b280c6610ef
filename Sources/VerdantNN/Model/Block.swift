public import VerdantBase
public import VerdantCore

/// One layer of a Transformer: a token mixer and a feed-forward network, each added to its input.
public struct Block: Module {
  /// Of the mixer's input, or with post-norm of its sum; of both inputs in a parallel block.
  public var mixerNorm: Norm
  /// Lets tokens read from each other.
  public var mixer: any TokenMixer
  /// Of the cross-attention's input, or with post-norm of its sum; nil without one.
  public var crossNorm: Norm?
  /// Reads what an encoder gives; in the decoder of an encoder–decoder.
  public var crossAttention: CrossAttention?
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
    if let cross = config.crossAttention {
      guard config.arrangement != .parallel else {
        throw ConfigError(
          .unsupported, "a parallel block with cross-attention", place: make.path.description,
          rule: "the arrangement is pre-norm or post-norm")
      }
      crossNorm = make.inside("crossNorm") { Norm(config.norm, width: size.width, &$0) }
      crossAttention = try make.inside("crossAttention") { make throws(ConfigError) in
        try CrossAttention(cross, width: size.width, &make)
      }
    }
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
    visitor.optional("crossNorm", &crossNorm)
    visitor.optional("crossAttention", &crossAttention)
    visitor.optional("feedForwardNorm", &feedForwardNorm)
    visitor.feedForward("feedForward", &feedForward)
  }

  /// The parts joined as the arrangement says: `[batch, length, width]` → the same shape.
  ///
  /// - Parameters:
  ///   - memory: What an encoder gives, for a block with cross-attention.
  ///   - rate: How often training leaves out what a part adds, for a whole sequence; what stays
  ///     grows by `1 / (1 - rate)`, so that inference changes nothing (Huang et al. 2016).
  public func callAsFunction(
    _ x: Tensor, _ mask: Mask, reading memory: Memory? = nil, leavingOut rate: Double = 0,
    _ context: inout Context
  ) -> Tensor {
    let keys = keys(of: memory, &context)
    return joined(x, keys, rate, &context) { x, residual, context in
      mixer(x, mask, adding: residual, &context)
    }
  }

  /// What the cross-attention reads of a memory; nil without either.
  func keys(of memory: Memory?, _ context: inout Context) -> CrossAttention.Keys? {
    require(
      (memory == nil) == (crossAttention == nil),
      "[block] \(memory == nil ? "no" : "a") memory for \(crossAttention == nil ? "no" : "a") "
        + "cross-attention")
    guard let memory, let crossAttention else { return nil }
    return crossAttention.keys(memory, &context)
  }

  /// The mixer's output for an input, added to a residual.
  private typealias Mixing = (_ x: Tensor, _ residual: Tensor?, inout Context) -> Tensor

  private func joined(
    _ x: Tensor, _ keys: CrossAttention.Keys?, _ rate: Double, _ context: inout Context,
    _ mix: Mixing
  ) -> Tensor {
    let precision = context.precision
    switch config.arrangement {
    case .preNorm:
      var mixed = sum(x, rate, &context) { residual, context in
        mix(mixerNorm(x, precision), residual, &context)
      }
      if let keys, let crossAttention, let crossNorm {
        let before = mixed
        mixed = sum(before, rate, &context) { residual, context in
          crossAttention(crossNorm(before, precision), keys, adding: residual, &context)
        }
      }
      let input = mixed
      return sum(input, rate, &context) { residual, context in
        let normal = feedForwardNorm.map { $0(input, precision) } ?? input
        return feedForward(normal, adding: residual, &context)
      }
    case .postNorm:
      // Sums and norms stay in f32: they are the residual stream.
      var mixed = mixerNorm(
        sum(x, rate, &context) { mix($1.computing(x), $0, &$1) })
      if let keys, let crossAttention, let crossNorm {
        let before = mixed
        mixed = crossNorm(
          sum(before, rate, &context) {
            crossAttention($1.computing(before), keys, adding: $0, &$1)
          })
      }
      let input = mixed
      let all = sum(input, rate, &context) {
        feedForward($1.computing(input), adding: $0, &$1)
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
    _ x: Tensor, _ mask: Mask, reading memory: Memory?, leavingOut rate: Double,
    _ context: inout Context
  ) -> Tensor {
    let before = context
    var after = context
    // The tape keeps the closure: a recorded parameter in it would keep the tape.
    var plain = self
    plain.updateParameters { _, parameter in parameter.value = parameter.value.detached() }
    let data = [x] + [memory?.vectors, mask.bias].compactMap(\.self)
    let lengths = memory?.lengths
    let (reads, hasBias) = (memory != nil, mask.bias != nil)
    var plainMask = mask
    plainMask.bias = nil
    let whole = plainMask
    let output = VerdantCore.checkpointed(data + parameters.map(\.parameter.value)) { inputs in
      var block = plain
      var next = data.count
      block.updateParameters { _, parameter in
        parameter.value = inputs[next]
        next += 1
      }
      var inner = before
      // What is seen inside belongs to another tape, and would be seen twice.
      inner.observer = nil
      let read = reads ? Memory(inputs[1], lengths: lengths) : nil
      var mask = whole
      if hasBias { mask.bias = inputs[reads ? 2 : 1] }
      let y = block(inputs[0], mask, reading: read, leavingOut: rate, &inner)
      require(
        inner.auxiliary.count == before.auxiliary.count,
        "[block] a part with a loss of its own cannot be checkpointed")
      after = inner
      return y
    }
    after.observer = before.observer
    context = after
    return output
  }

  /// The same for new tokens, with the mixer's state of those read before.
  func step(
    _ x: Tensor, _ state: inout MixerState, _ keys: CrossAttention.Keys?, bias: Tensor?,
    _ context: inout Context
  ) -> Tensor {
    joined(x, keys, 0, &context) { x, residual, context in
      let mixed = state.step(mixer, x, bias: bias, &context)
      return residual.map { $0 + mixed } ?? mixed
    }
  }
}
