import Verdant

extension Suite {
  /// Whole training steps on random tokens.
  static var train: Suite {
    let shapes = [
      TrainingShape(
        name: "gpt-small", blocks: 6, width: 384, heads: 6, vocabulary: 128, length: 256, batch: 16,
        untimed: 2, timed: 8),
      TrainingShape(
        name: "gpt2-124m", blocks: 12, width: 768, heads: 12, vocabulary: 50304, length: 1024,
        batch: 2, untimed: 1, timed: 3),
    ]
    return Suite(
      name: "train", abstract: "training steps of whole models", rounds: 3,
      variants: PeerVariant.all,
      rows: shapes.flatMap { shape in Precision.allCases.map { shape.row($0) } })
  }
}

/// A GPT-2 with learned positions, biases, GELU and a tied head, and how long it is trained.
struct TrainingShape {
  let name: String
  let blocks: Int
  let width: Int
  let heads: Int
  let vocabulary: Int
  let length: Int
  let batch: Int
  /// Steps before the clock starts.
  let untimed: Int
  let timed: Int

  private var config: ModelConfig {
    ModelConfig(
      blocks: blocks, width: width, heads: heads, maximumLength: length, vocabulary: vocabulary)
  }

  func row(_ precision: Precision) -> BenchmarkRow {
    let isSupported = Self.context(for: precision) != nil
    return BenchmarkRow(
      name: name, precision: precision, unit: .tokens,
      description: [
        "kind": "train", "blocks": .integer(blocks), "width": .integer(width),
        "heads": .integer(heads), "vocabulary": .integer(vocabulary), "context": .integer(length),
        "batch": .integer(batch), "untimed": .integer(untimed), "timed": .integer(timed),
      ],
      trial: ["untimed": 1, "timed": .integer(min(2, max(1, timed / 3)))],
      work: {
        let tokens = Double(batch * length)
        let operations = try ModelCost(config).trainingPerToken * tokens
        // The optimizer reads and writes each weight and its moments, and reads its gradient.
        let bytes = 28 * Double(try parameterCount())
        return Work(operations: operations, bytes: bytes, amount: tokens)
      },
      ours: isSupported ? { try tokensPerSecond(precision) } : nil)
  }

  /// The pass in which our side trains; nil where the library has none of this precision. The one
  /// place that knows how a precision is asked for.
  private static func context(for precision: Precision, step: Int = 0) -> Context? {
    switch precision {
    case .f32: Context(.training, step: step)
    case .bf16:
      Compute.hasBFloat16Products ? Context(.training, precision: .bfloat16, step: step) : nil
    }
  }

  private func parameterCount() throws -> Int {
    try Transformer(config, random: RandomSource(seed: 0), on: ShapeBackend()).parameterCount
  }

  /// Tokens by the median time of a step.
  private func tokensPerSecond(_ precision: Precision) throws -> Double {
    var model = try Transformer(config, random: RandomSource(seed: 1))
    var optimizer = AdamW()
    var times: [Double] = []
    for step in 1...untimed + timed {
      let tokens = randomTokens(step, "tokens")
      let targets = randomTokens(step, "targets")
      guard var context = Self.context(for: precision, step: step) else { return .nan }
      let began = monotonicSeconds()
      let (loss, gradients) = valueAndGradients(of: model, &context) { model, context in
        model.loss(tokens, targets: targets, &context)
      }
      let norm = gradients.norm
      require(loss.isFinite && norm.isFinite, "[bench] the loss is \(loss), the norm \(norm)")
      optimizer.update(&model, gradients, rate: 1e-3, gradientScale: min(1, 1 / (norm + 1e-6)))
      if step > untimed { times.append(monotonicSeconds() - began) }
    }
    return Double(batch * length) / median(times)
  }

  private func randomTokens(_ step: Int, _ name: String) -> Tensor {
    let random = RandomSource(seed: 1).stream(name).stream(step)
    let ids = (0..<batch * length).map {
      Int32(random.uniform(at: UInt64($0)) * Double(vocabulary))
    }
    return Tensor(integers: ids, [batch, length])
  }
}
