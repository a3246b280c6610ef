import Testing
import Verdant

@Suite struct CountTests {
  @Test func smallModels() throws {
    func count(_ change: (inout ModelConfig) -> Void) throws -> Int {
      var config = ModelConfig(blocks: 2, width: 32, heads: 4, maximumLength: 16)
      change(&config)
      return try Transformer(config, random: RandomSource(seed: 0), on: ShapeBackend())
        .parameterCount
    }
    // Embedding 8224 + 512, a block 128 + 4224 + 8352, the last norm 64.
    #expect(try count { _ in } == 34_208)
    #expect(try count { $0.embedding.positions = .none } == 33_696)
    #expect(
      try count {
        $0.structures = [
          StructureRule(
            match: "blocks.1.feedForward.*", Spec(LowRank.kind, LowRank.Options(rank: 8)))
        ]
      } == 34_208 - 8192 + 2 * 8 * 160)
    #expect(
      try count {
        for index in $0.blocks.indices {
          $0.blocks[index].mixer = Spec(
            SoftmaxAttention.kind, SoftmaxAttention.Options(heads: 4, keyHeads: 1))
        }
      } == 34_208 - 2 * 2 * (1024 + 32 - 256 - 8))
    #expect(
      try count {
        for index in $0.blocks.indices { $0.blocks[index].norm.bias = false }
        $0.finalNorm.bias = false
      } == 34_208 - 5 * 32)
    #expect(try count { $0.finalNorm.kind = .rmsNorm } == 34_208 - 32)
    #expect(try count { $0.finalNorm.kind = .none } == 34_208 - 64)
    #expect(try count { $0.embedding.positions = .sinusoidal } == 33_696)
    #expect(try count { $0.embedding.positions = .rotary } == 33_696)
    #expect(try count { $0.head = .free } == 34_208 + 8224)
    #expect(
      try count { for index in $0.blocks.indices { $0.blocks[index].arrangement = .parallel } }
        == 34_208 - 2 * 64)
    // Three maps of 32 x 88 in place of two of 32 x 128, and their biases.
    #expect(
      try count {
        for index in $0.blocks.indices { $0.blocks[index].feedForward = Spec("gated-mlp") }
      }
        == 34_208 + 2 * (3 * 32 * 88 + 2 * 88 - 2 * 32 * 128 - 128))
  }

  /// The models of Wei et al. 2024, whose rotary positions have no parameters.
  struct Published: Sendable, CustomStringConvertible {
    let description: String
    let layers: Int
    let width: Int
    let heads: Int
    var keyHeads: Int?
    var hidden: Int?
    var rank: Int?
    let parameters: Int
    var feedForwardWeights: Int?
  }

  static let published: [Published] = [
    Published(
      description: "s", layers: 12, width: 768, heads: 12, parameters: 109_632_000,
      feedForwardWeights: 56_623_104),
    Published(
      description: "s 63 %", layers: 12, width: 768, heads: 12, rank: 384,
      parameters: 90_167_808, feedForwardWeights: 37_158_912),
    Published(
      description: "s 32 %", layers: 12, width: 768, heads: 12, rank: 192,
      parameters: 73_947_648, feedForwardWeights: 20_938_752),
    Published(
      description: "m", layers: 24, width: 1024, heads: 16, parameters: 335_079_424,
      feedForwardWeights: 201_326_592),
    Published(
      description: "m 63 %", layers: 24, width: 1024, heads: 16, rank: 512,
      parameters: 262_727_680),
    Published(
      description: "m 32 %", layers: 24, width: 1024, heads: 16, rank: 256,
      parameters: 202_434_560),
    Published(
      description: "m grouped", layers: 24, width: 1024, heads: 16, keyHeads: 4, hidden: 4864,
      parameters: 335_060_992),
    Published(
      description: "l", layers: 24, width: 1536, heads: 12, parameters: 729_111_552),
    Published(
      description: "l 63 %", layers: 24, width: 1536, heads: 12, rank: 768,
      parameters: 566_320_128),
    Published(
      description: "l 32 %", layers: 24, width: 1536, heads: 12, rank: 384,
      parameters: 430_660_608),
    Published(
      description: "l grouped", layers: 24, width: 1536, heads: 12, keyHeads: 2, hidden: 7424,
      parameters: 729_080_832),
    Published(
      description: "xl", layers: 24, width: 2048, heads: 16, parameters: 1_274_138_624),
    Published(
      description: "xl 63 %", layers: 24, width: 2048, heads: 16, rank: 1024,
      parameters: 984_731_648),
    Published(
      description: "xl 32 %", layers: 24, width: 2048, heads: 16, rank: 512,
      parameters: 743_559_168),
  ]

  @Test(arguments: published)
  func publishedCounts(_ published: Published) throws {
    var config = ModelConfig(
      blocks: published.layers, width: published.width, heads: published.heads,
      maximumLength: 1024, vocabulary: 32_000)
    config.embedding.positions = .none
    var network = MLP.Options()
    network.hidden = published.hidden
    for index in config.blocks.indices {
      config.blocks[index].mixer = Spec(
        SoftmaxAttention.kind,
        SoftmaxAttention.Options(heads: published.heads, keyHeads: published.keyHeads))
      config.blocks[index].feedForward = Spec(MLP.kind, network)
    }
    if let rank = published.rank {
      // The first network stays dense in every published run; the first matching rule counts.
      config.structures = [
        StructureRule(match: "blocks.0.feedForward.*", Spec(Dense.kind)),
        StructureRule(
          match: "blocks.*.feedForward.*", Spec(LowRank.kind, LowRank.Options(rank: rank))),
      ]
    }
    let model = try Transformer(config, random: RandomSource(seed: 0), on: ShapeBackend())
    #expect(model.parameterCount == published.parameters)
    if let weights = published.feedForwardWeights {
      var found = 0
      model.forEachParameter { name, parameter in
        guard name.contains(".feedForward."), parameter.role == .weight else { return }
        found += parameter.value.count
      }
      #expect(found == weights)
    }
  }

  @Test func executedOperations() throws {
    let config = ModelConfig(blocks: 2, width: 32, heads: 4, maximumLength: 16)
    let cost = try ModelCost(config)
    let lines = Dictionary(uniqueKeysWithValues: cost.lines.map { ($0.name, $0.line) })
    let tokens = 16.0
    // Weights of a block: 4 · 32² + 8 · 32²; a multiply-add counts two.
    let products = 2 * 2 * tokens * 12 * 1024
    let biases = 2 * tokens * (4 * 32 + 128 + 32)
    let activation = 2 * tokens * 128 * 8
    let residuals = 2 * tokens * 2 * 32
    #expect(lines["affine"]?.forward == products + biases + residuals + activation)
    // Input and weight gradients are a product each; one pass over the hidden layer for GELU.
    #expect(lines["affine"]?.backward == 2 * products + biases + activation)
    // Half of the 16² scores and the diagonal: 136 pairs; two products of head width 8.
    let pairs = 136.0 * 4 * 2
    #expect(lines["attention"]?.forward == pairs * (2 * 2 * 8 + 5))
    #expect(lines["attention"]?.backward == pairs * (5 * 2 * 8 + 4))
    let logits = tokens * 257
    #expect(lines["linear-cross-entropy"]?.forward == logits * (2 * 32 + 5))
    #expect(lines["linear-cross-entropy"]?.backward == logits * (4 * 32 + 1))
    #expect(lines["layer-norm"]?.forward == 5 * tokens * 32 * 8)
    #expect(lines["layer-norm"]?.calls == 5)
    let sum = cost.lines.reduce(0) { $0 + $1.line.forward }
    #expect(cost.forwardPerToken == sum / tokens)
    #expect(
      cost.trainingPerToken == (sum + cost.lines.reduce(0) { $0 + $1.line.backward }) / tokens)
  }

  @Test func lowRankCostsItsWeights() throws {
    func affineWork(_ structures: [StructureRule]) throws -> Double {
      let config = ModelConfig(
        blocks: 1, width: 32, heads: 4, maximumLength: 16, structures: structures)
      let lines = try ModelCost(config, length: 10).lines
      return lines.first { $0.name == "affine" }?.line.forward ?? 0
    }
    let dense = try affineWork([])
    let rule = StructureRule(match: "**.feedForward.*", Spec("low-rank", LowRank.Options(rank: 8)))
    #expect(try dense - affineWork([rule]) == 2 * 10 * (8192 - 2 * 8 * 160))
  }

  @Test func lengthScalesAttentionOnly() throws {
    let config = ModelConfig(blocks: 1, width: 32, heads: 4, maximumLength: 64)
    let short = try ModelCost(config, length: 16)
    let long = try ModelCost(config, length: 64)
    // Mean visible keys of a token: 8.5 and 32.5.
    let difference = (32.5 - 8.5) * 4 * (2 * 2 * 8 + 5)
    #expect(abs(long.forwardPerToken - short.forwardPerToken - difference) < 1e-6)
  }
}
