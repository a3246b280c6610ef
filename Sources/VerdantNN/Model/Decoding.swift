public import VerdantBase
public import VerdantCore

/// The state of one mixer; only that mixer knows what is inside.
struct MixerState: Sendable {
  private var content: any Sendable

  /// The state of a mixer before the first token; nil for a mixer that cannot stream.
  init?(_ mixer: any TokenMixer, batch: Int, capacity: Int, on backend: any Backend) {
    guard let streaming = mixer as? any StreamingMixer else { return nil }
    content = streaming.initialState(batch: batch, capacity: capacity, on: backend)
  }

  mutating func step(
    _ mixer: any TokenMixer, _ x: Tensor, bias: Tensor?, _ context: inout Context
  ) -> Tensor {
    guard let streaming = mixer as? any StreamingMixer else {
      trap("[decoding] a mixer that cannot stream has no state")
    }
    return advance(streaming, x, bias, &context)
  }

  private mutating func advance<M: StreamingMixer>(
    _ mixer: M, _ x: Tensor, _ bias: Tensor?, _ context: inout Context
  ) -> Tensor {
    guard var state = content as? M.State else {
      trap("[decoding] the state belongs to another mixer than \(M.kind)")
    }
    // The only reference moves out, so that the mixer writes its caches in place.
    content = ()
    defer { content = state }
    return mixer.step(x, &state, bias: bias, &context)
  }
}

/// What a model keeps of the tokens it has read, to go on from there.
public struct DecodingState: Sendable {
  /// One for each use of a block.
  var mixers: [MixerState]
  /// What each use of a block reads of an encoder; empty for a decoder alone.
  var memories: [CrossAttention.Keys] = []
  /// Tokens read.
  public internal(set) var length = 0
  /// Tokens there is room for.
  public let capacity: Int
}

extension Transformer {
  /// The state of a decoder before the first token.
  ///
  /// - Parameter capacity: Room for that many tokens, at most the model's maximum length.
  /// - Throws: For an encoder, a classifier, an encoder–decoder that has read nothing, and when a
  ///   mixer cannot read piece by piece.
  public func initialState(batch: Int = 1, capacity: Int? = nil) throws(ConfigError)
    -> DecodingState
  {
    guard config.objective == .causalLanguageModel else {
      let reads = config.objective == .spanCorruption
      throw ConfigError(
        .unsupported,
        reads
          ? "an encoder-decoder cannot generate from nothing"
          : "a model with the objective '\(config.objective.rawValue)' cannot generate",
        place: "objective",
        rule: reads
          ? "its encoder reads a text first" : "generation needs the objective 'causal-lm'")
    }
    return try state(batch, capacity)
  }

  /// The state of an encoder–decoder before its decoder's first token.
  ///
  /// - Parameters:
  ///   - input: What the encoder reads.
  ///   - capacity: Room for that many tokens, at most the model's maximum length.
  /// - Throws: For one stack alone, and when a mixer cannot read piece by piece.
  public func initialState(
    reading input: ModelInput, capacity: Int? = nil, _ context: inout Context
  ) throws(ConfigError) -> DecodingState {
    guard encoder != nil else {
      throw ConfigError(
        .unsupported, "a model without an encoder reads no other text",
        place: "architecture", rule: "the architecture 'encoder-decoder'")
    }
    var state = try state(input.tokens.shape[0], capacity)
    let memory = encode(input, &context)
    state.memories = config.usedOrder.compactMap { blocks[$0].keys(of: memory, &context) }
    return state
  }

  private func state(_ batch: Int, _ capacity: Int?) throws(ConfigError) -> DecodingState {
    let room = min(capacity ?? config.maximumLength, config.maximumLength)
    let backend = outputWeight.backend
    var states: [MixerState] = []
    for index in config.usedOrder {
      let block = blocks[index]
      guard
        let state = MixerState(block.mixer, batch: batch, capacity: room, on: backend)
      else {
        throw ConfigError(
          .unsupported,
          "the token mixer '\(type(of: block.mixer).kind)' cannot generate",
          place: "blocks.\(index).mixer",
          rule: "generation needs a mixer that reads piece by piece"
        )
      }
      states.append(state)
    }
    return DecodingState(mixers: states, capacity: room)
  }

  /// Reads new tokens and gives the logits after the last one.
  ///
  /// - Parameters:
  ///   - tokens: Integers `[batch, new]`.
  ///   - state: What was read before; the new tokens are added.
  /// - Returns: `[batch, vocabulary]`.
  public func step(_ tokens: Tensor, _ state: inout DecodingState, _ context: inout Context)
    -> Tensor
  {
    let (batch, new) = (tokens.shape[0], tokens.shape[1])
    require(
      state.length + new <= state.capacity,
      "[decoding] \(state.length) + \(new) tokens, room for \(state.capacity)"
    )
    var x = embedding(tokens, from: state.length, &context)
    let bias = embedding.positions.bias(
      queries: new, keys: state.length + new, isCausal: true)
    for (use, index) in config.usedOrder.enumerated() {
      let keys = state.memories.isEmpty ? nil : state.memories[use]
      x = blocks[index].step(x, &state.mixers[use], keys, bias: bias, &context)
    }
    state.length += new
    let last = (0..<batch).map { Int32($0 * new + new - 1) }
    let rows = gatherRows(
      x.reshaped(to: [batch * new, config.width]),
      Tensor(integers: last, [batch], on: x.backend))
    var exact = Context(.inference)
    return affine(
      predicting(normalized(rows, exact), &exact), outputWeight, bias: headBias?.value)
  }
}
