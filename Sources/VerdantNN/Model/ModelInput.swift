public import VerdantCore

/// What a model reads.
public struct ModelInput: Sendable {
  /// Integers `[batch, length]`, or patches `[batch, patches, numbers]`.
  public var tokens: Tensor
  /// How many tokens of each sequence exist, integers `[batch]`; nil for all.
  public var lengths: Tensor?
  /// Which text of a pair each token belongs to, integers `[batch, length]`; nil for the first.
  public var segments: Tensor?
  /// What the decoder of an encoder–decoder reads, integers `[batch, target length]`.
  public var decoder: Tensor?

  /// Makes an input.
  public init(
    _ tokens: Tensor, lengths: Tensor? = nil, segments: Tensor? = nil, decoder: Tensor? = nil
  ) {
    self.tokens = tokens
    self.lengths = lengths
    self.segments = segments
    self.decoder = decoder
  }
}

extension ModelConfig {
  /// An input and targets with the shapes of a batch, and no particular numbers.
  ///
  /// - Parameters:
  ///   - length: Tokens of each sequence; images have their own.
  ///   - targetLength: Tokens that the decoder of an encoder–decoder reads; nil for as many.
  public func example(
    rows: Int, length: Int, targetLength: Int? = nil, on backend: any Backend
  ) -> (input: ModelInput, targets: Tensor) {
    func integers(_ shape: Shape) -> Tensor {
      Tensor(backend.allocate(shape.elementCount, .int32), shape: shape)
    }
    if let patches {
      let shape: Shape = [rows, patches.count, patches.numbers]
      let images = Tensor(backend.allocate(shape.elementCount, .float32), shape: shape)
      return (ModelInput(images), integers([rows]))
    }
    let tokens = integers([rows, length])
    switch objective {
    case .causalLanguageModel, .maskedLanguageModel:
      return (ModelInput(tokens), integers([rows, length]))
    case .spanCorruption:
      let shape: Shape = [rows, targetLength ?? length]
      return (ModelInput(tokens, decoder: integers(shape)), integers(shape))
    case .classification:
      let segments = embedding.segments > 0 ? integers([rows, length]) : nil
      return (ModelInput(tokens, segments: segments), integers([rows]))
    }
  }
}
