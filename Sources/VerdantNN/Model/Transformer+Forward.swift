import VerdantBase
public import VerdantCore

/// What the loss of a batch is computed from.
public struct ModelOutputs: Sendable {
  /// The last vectors of a language model, `[…, width]`, or the logits of a classifier, `[batch,
  /// classes]`.
  public let vectors: Tensor
  /// The targets of their rows; negative ones do not count.
  public let targets: Tensor
  /// True for a classifier.
  public let areLogits: Bool
  /// Added to the logits of tokens, `[vocabulary]`; nil for nothing.
  public var bias: Tensor?
}

extension Transformer {
  /// The vectors after the last normalization.
  ///
  /// - Parameter input: At most the maximum length of tokens. The vectors of those that do not exist
  ///   mean nothing.
  /// - Returns: `[batch, length, width]`; of an encoder–decoder the decoder's.
  public func hidden(_ input: ModelInput, _ context: inout Context) -> Tensor {
    normalized(last(input, &context), context)
  }

  /// The vectors after the last block.
  private func last(_ input: ModelInput, _ context: inout Context) -> Tensor {
    let memory = encoder == nil ? nil : encode(input, &context)
    let tokens = encoder == nil ? input.tokens : input.decoder
    guard let tokens else { trap("[transformer] nothing for the decoder to read") }
    check(tokens)
    let x = embedding(
      tokens, segments: encoder == nil ? input.segments : nil, &context)
    let length = x.shape[1]
    let mask = Mask(
      isCausal: config.isCausal, lengths: encoder == nil ? input.lengths : nil,
      bias: embedding.positions.bias(queries: length, keys: length, isCausal: config.isCausal))
    context.observer?("embedding", x)
    return run(blocks, config.usedOrder, "blocks", x, mask, reading: memory, &context)
  }

  /// What the decoder of an encoder–decoder reads.
  public func encode(_ input: ModelInput, _ context: inout Context) -> Memory {
    guard let encoder else { trap("[transformer] one stack alone has no memory") }
    check(input.tokens)
    let length = input.tokens.shape[1]
    let mask = Mask(
      isCausal: false, lengths: input.lengths,
      bias: encoder.positions.bias(queries: length, keys: length, isCausal: false))
    let x = embedding(
      input.tokens, segments: input.segments, placedBy: encoder.positions, &context)
    context.observer?("encoder.embedding", x)
    let last = run(
      encoder.blocks, Array(encoder.blocks.indices), "encoder.blocks", x, mask, reading: nil,
      &context)
    let output = encoder.finalNorm(last, context.precision)
    context.observer?("encoder.finalNorm", output)
    return Memory(output, lengths: input.lengths)
  }

  private func check(_ tokens: Tensor) {
    require(
      tokens.shape.rank == (config.input == .patches ? 3 : 2)
        && tokens.shape[1] <= config.maximumLength,
      "[transformer] input \(tokens.shape), at most \(config.maximumLength) long")
  }

  /// The last normalization, with the factor of the logits.
  func normalized(_ x: Tensor, _ context: Context) -> Tensor {
    let output =
      config.logitScale == 1
      ? finalNorm(x, context.precision)
      : context.computing(finalNorm(x) * config.logitScale)
    context.observer?("finalNorm", output)
    return output
  }

  private func run(
    _ blocks: [Block], _ order: [Int], _ name: String, _ x: Tensor, _ mask: Mask,
    reading memory: Memory?, _ context: inout Context
  ) -> Tensor {
    var x = x
    for (place, index) in order.enumerated() {
      // Huang et al. 2016, equation 4: linear from the input, which is never left out.
      let rate = config.stochasticDepth * Double(place + 1) / Double(order.count)
      let path = "\(name).\(index)"
      context.place = path
      x =
        context.checkpointsBlocks
        ? blocks[index].checkpointed(x, mask, reading: memory, leavingOut: rate, &context)
        : blocks[index](x, mask, reading: memory, leavingOut: rate, &context)
      context.observer?(path, x)
    }
    return x
  }

  /// Logits `[batch, length, vocabulary]` of a language model, `[batch, classes]` of a classifier.
  public func callAsFunction(_ input: ModelInput, _ context: inout Context) -> Tensor {
    let vectors = hidden(input, &context)
    return classLogits(vectors, input, &context)
      ?? affine(
        predicting(vectors, &context), outputWeight, bias: headBias?.value, isWide: true)
  }

  /// The vectors whose products with the output rows are logits.
  func predicting(_ vectors: Tensor, _ context: inout Context) -> Tensor {
    headTransform.map { $0(vectors, &context) } ?? vectors
  }

  /// The logits of a classifier; nil for a language model.
  private func classLogits(_ vectors: Tensor, _ input: ModelInput, _ context: inout Context)
    -> Tensor?
  {
    guard let classifier, let classification = config.classification else { return nil }
    let pooled = classification.pooling(vectors, lengths: input.lengths)
    // So small a product is not worth the rounding to bf16.
    var exact = context
    exact.precision = .float32
    let vector =
      pooler.map { $0(pooled, activation: classification.transform ?? .none, &exact) } ?? pooled
    let logits = classifier(exact.dropout(vector, rate: classification.dropout), &exact)
    exact.precision = context.precision
    context = exact
    return logits
  }

  /// What a loss is computed from.
  ///
  /// - Parameter targets: As of ``loss(_:targets:_:)``.
  public func outputs(_ input: ModelInput, targets: Tensor, _ context: inout Context)
    -> ModelOutputs
  {
    let last = last(input, &context)
    if config.classification == nil {
      let counted = counted(last, targets)
      return ModelOutputs(
        vectors: predicting(normalized(counted.vectors, context), &context),
        targets: counted.targets, areLogits: false, bias: headBias?.value)
    }
    guard let logits = classLogits(normalized(last, context), input, &context) else {
      trap("[transformer] a classifier without an output map")
    }
    return ModelOutputs(vectors: logits, targets: targets, areLogits: true)
  }

  /// Mean cross-entropy in nats over the targets that are not negative, plus the losses that parts
  /// added to the context.
  ///
  /// - Returns: `[1]`.
  public func loss(of outputs: ModelOutputs, _ context: inout Context) -> Tensor {
    let smoothing = context.usedSmoothing
    let own: Tensor
    if outputs.areLogits {
      own = crossEntropy(outputs.vectors, targets: outputs.targets, smoothing: smoothing)
    } else if let bias = outputs.bias {
      // The logits exist here: the targets of a masked model are few.
      let logits = affine(outputs.vectors, outputWeight, bias: bias, isWide: true)
      own = crossEntropy(
        logits.reshaped(to: [logits.shape.rows, logits.shape.columns]), targets: outputs.targets,
        smoothing: smoothing)
    } else {
      own = linearCrossEntropy(
        outputs.vectors, outputWeight, targets: outputs.targets, smoothing: smoothing)
    }
    return context.auxiliary.reduce(own) { $0 + $1.loss }
  }

  /// Mean cross-entropy in nats over the targets that are not negative, plus the losses that parts
  /// added to the context.
  ///
  /// - Parameter targets: Of a language model the token of each place, integers of the shape of the
  ///   tokens that the stack of the outputs reads; of a classifier the class of each sequence,
  ///   integers `[batch]`. Negative ones do not count.
  /// - Returns: `[1]`.
  public func loss(_ input: ModelInput, targets: Tensor, _ context: inout Context) -> Tensor {
    loss(of: outputs(input, targets: targets, &context), &context)
  }

  /// The vectors whose targets count, where many do not: a masked model predicts few of its tokens, and
  /// after a prompt the completion alone is learnt.
  private func counted(_ vectors: Tensor, _ targets: Tensor) -> (vectors: Tensor, targets: Tensor) {
    var all = targets.integers
    if all.isEmpty && config.objective == .maskedLanguageModel {
      // Shapes alone have no numbers: the usual share counts.
      let share = max(1, Int((Self.maskedShare * Double(targets.count)).rounded()))
      all = (0..<targets.count).map { $0 < share ? 0 : -1 }
    }
    let rows = all.indices.filter { all[$0] >= 0 }
    guard !rows.isEmpty, Double(rows.count) < Self.gatheredShare * Double(all.count) else {
      return (vectors, targets)
    }
    let width = vectors.shape[2]
    let chosen = Tensor(integers: rows.map(Int32.init), [rows.count], on: vectors.backend)
    return (
      gatherRows(vectors.reshaped(to: [all.count, width]), chosen),
      Tensor(integers: rows.map { all[$0] }, [rows.count], on: targets.backend)
    )
  }

  /// The share of the tokens that masked models predict (Devlin et al. 2019).
  private static let maskedShare = 0.15
  /// Below this share copying the rows costs less than the logits of the others.
  private static let gatheredShare = 0.75

  /// The vectors after the last normalization of integers `[batch, length]`, of which each sequence
  /// has as many as `lengths` `[batch]` says.
  public func hidden(_ tokens: Tensor, lengths: Tensor? = nil, _ context: inout Context) -> Tensor {
    hidden(ModelInput(tokens, lengths: lengths), &context)
  }

  /// Logits of integers `[batch, length]`.
  public func callAsFunction(
    _ tokens: Tensor, lengths: Tensor? = nil, _ context: inout Context
  ) -> Tensor {
    self(ModelInput(tokens, lengths: lengths), &context)
  }

  /// The loss of integers `[batch, length]`.
  public func loss(
    _ tokens: Tensor, targets: Tensor, lengths: Tensor? = nil, _ context: inout Context
  ) -> Tensor {
    loss(ModelInput(tokens, lengths: lengths), targets: targets, &context)
  }
}
