public import VerdantBase
public import VerdantCore

/// Executed work of a model, counted from shapes alone: a multiply-add is two operations, causal
/// attention counts the visible half.
public struct ModelCost: Sendable {
  /// Floating-point operations of a forward pass for each token.
  public let forwardPerToken: Double
  /// Floating-point operations of a forward and backward pass for each token.
  public let trainingPerToken: Double
  /// The sums by operation for the counted pass.
  public let lines: [(name: String, line: Meter.Line)]
  /// Tokens of the counted pass.
  public let tokens: Int

  /// The convention, for tables.
  public static let convention =
    "executed operations, a multiply-add counts 2, causal attention halved"

  /// Counts one sequence of `length` tokens; nil for the longest.
  ///
  /// - Parameters:
  ///   - targetLength: Tokens that the decoder of an encoder–decoder reads; nil for as many.
  ///   - tokens: What the operations are divided by, when it is another number than the length.
  /// - Throws: When the model cannot be built or is for shorter sequences.
  public init(
    _ config: ModelConfig, length: Int? = nil, targetLength: Int? = nil, tokens: Int? = nil
  ) throws(ConfigError) {
    if let length, length < 1 || length > config.maximumLength {
      throw ConfigError(
        .outOfRange, "a sequence of \(length) tokens",
        rule: "the model reads 1 to \(config.maximumLength)")
    }
    let backend = ShapeBackend()
    let model = try Transformer(config, random: RandomSource(seed: 0), on: backend)
    let count = length ?? config.maximumLength
    let batch = config.example(rows: 1, length: count, targetLength: targetLength, on: backend)
    var context = Context(.training)
    _ = valueAndGradients(of: model, &context) { model, context in
      model.loss(batch.input, targets: batch.targets, &context)
    }
    lines = backend.meter.lines
    self.tokens = tokens ?? count
    forwardPerToken = backend.meter.forward / Double(self.tokens)
    trainingPerToken = (backend.meter.forward + backend.meter.backward) / Double(self.tokens)
  }
}
