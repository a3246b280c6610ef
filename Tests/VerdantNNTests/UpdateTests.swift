import Foundation
import Testing
import Verdant
import VerdantTestKit

/// What an optimizer step may not do. Counters belong to the process, so each test has its own.
@Suite struct UpdateTests {
  /// A first step moves each weight by the rate, whatever the gradient and the decays.
  @Test func firstStepsHaveTheLengthOfTheRate() {
    for (beta1, beta2) in [(0.9, 0.95), (0.9, 0.999), (0.999, 0.99999), (0, 0)] {
      for gradient in [1e-3, -7.0, 1e4] {
        var weights = Tensor.zeros([3])
        var (first, second) = (Tensor.zeros([3]), Tensor.zeros([3]))
        let update = AdamWUpdate(
          rate: 1, beta1: beta1, beta2: beta2, epsilon: 1e-12, decay: 0, step: 1)
        update.apply(to: &weights, .full([3], gradient), first: &first, second: &second)
        for weight in weights.doubles { #expect(abs(abs(weight) - 1) < 1e-6) }
      }
    }
  }

  @Test func stepsCopyNoParameterByte() throws {
    try OwnProcess.perform {
      var config = Variant.base
      config.structures = [
        StructureRule(match: "blocks.1.**", Spec(LowRank.kind, LowRank.Options(rank: 2)))
      ]
      for type in Catalog.optimizers {
        let copied = try copiedBytes(config, try make(type), length: 12, steps: 3)
        #expect(copied == 0, "\(type.kind)")
      }
    }
  }

  /// 124 M parameters, some 2 GB: set VERDANT_SLOW_TESTS=1.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["VERDANT_SLOW_TESTS"] == "1"))
  func stepsOfALargeModelCopyNoParameterByte() throws {
    try OwnProcess.perform {
      let config = ModelConfig(
        blocks: 12, width: 768, heads: 12, maximumLength: 1024, vocabulary: 50_257)
      let copied = try copiedBytes(config, AdamW(), length: 8, steps: 3)
      #expect(copied == 0)
    }
  }

  @Test func aSharedModelIsCopiedAndKept() throws {
    try OwnProcess.perform {
      for type in Catalog.optimizers {
        var model = try Variant.base.build()
        let kept = model
        let before = kept.parameters.map(\.parameter.value.floats)
        let bytes = CopyCounter.shared.byteCount
        try train(&model, try make(type), length: 12, steps: 1)
        #expect(CopyCounter.shared.byteCount - bytes == 4 * model.parameterCount)
        #expect(kept.parameters.map(\.parameter.value.floats) == before)
        #expect(model.parameters.map(\.parameter.value.floats) != before)
      }
    }
  }

  @Test func steadyStateTakesNoBlock() throws {
    try OwnProcess.perform {
      // With one thread every scratch block is seen in the first step.
      Compute.threadCount = 1
      for (library, type) in [true, false].flatMap({ use in Catalog.optimizers.map { (use, $0) } })
      {
        Compute.useProductLibrary(library)
        var model = try Variant.base.build()
        var optimizer = try make(type)
        var blocks: [Int] = []
        var pooled: [Int] = []
        for step in 1...10 {
          try train(&model, &optimizer, length: 12, step)
          blocks.append(Compute.blocksTaken)
          pooled.append(CPUBackend.shared.pooledByteCount)
        }
        #expect(Set(blocks.dropFirst()).count == 1, "\(blocks)")
        #expect(Set(pooled.dropFirst()).count == 1, "\(pooled)")
      }
    }
  }
}

private func make(_ type: any Optimizer.Type) throws -> any Optimizer {
  try Catalog.optimizer(Spec(type.kind), at: PartPath("optimizer"))
}

private func copiedBytes(
  _ config: ModelConfig, _ optimizer: any Optimizer, length: Int, steps: Int
) throws -> Int {
  var model = try config.build()
  let before = CopyCounter.shared.byteCount
  try train(&model, optimizer, length: length, steps: steps)
  return CopyCounter.shared.byteCount - before
}

private func train(
  _ model: inout Transformer, _ optimizer: any Optimizer, length: Int, steps: Int
) throws {
  var optimizer = optimizer
  for step in 1...steps { try train(&model, &optimizer, length: length, step) }
}

private func train(
  _ model: inout Transformer, _ optimizer: inout any Optimizer, length: Int, _ step: Int
) throws {
  let ids = Tensor(
    integers: tokenIds(length, below: model.config.vocabulary, seed: UInt64(step)), [1, length])
  var context = Context(.training, step: step)
  let (_, gradients) = valueAndGradients(of: model, &context) { model, context in
    model.loss(ids, targets: ids, &context)
  }
  #expect(gradients.names.count == model.parameters.count)
  optimizer.update(&model, gradients, rate: 1e-3, gradientScale: 1)
}
