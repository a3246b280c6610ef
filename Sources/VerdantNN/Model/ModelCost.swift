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
  /// - Throws: When the model cannot be built or is for shorter sequences.
  public init(_ config: ModelConfig, length: Int? = nil) throws(ConfigError) {
    if let length, length < 1 || length > config.maximumLength {
      throw ConfigError(
        .outOfRange, "a sequence of \(length) tokens",
        rule: "the model reads 1 to \(config.maximumLength)")
    }
    let backend = ShapeBackend()
    let model = try Transformer(config, random: RandomSource(seed: 0), on: backend)
    let count = length ?? config.maximumLength
    let tokens = Tensor(integers: Array(repeating: 0, count: count), [1, count], on: backend)
    var context = Context(.training)
    _ = valueAndGradients(of: model, &context) { model, context in
      model.loss(tokens, targets: tokens, &context)
    }
    lines = backend.meter.lines
    self.tokens = count
    forwardPerToken = backend.meter.forward / Double(count)
    trainingPerToken = (backend.meter.forward + backend.meter.backward) / Double(count)
  }
}
