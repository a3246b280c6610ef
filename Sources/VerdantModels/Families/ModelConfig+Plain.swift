import VerdantBase
import VerdantCore
import VerdantNN

extension ModelConfig {
  /// The same function in the one spelling that can be compared: every default written out, and
  /// what only training or nothing reads at its default; nil with parts that no family has.
  var plain: ModelConfig? {
    var config = self
    guard structures.allSatisfy({ $0.structure.kind == Dense.kind }),
      order == nil || order == Array(blocks.indices), input == .tokens
    else { return nil }
    config.structures = []
    config.order = nil
    config.stochasticDepth = 0
    config.embedding = embedding.plain
    config.finalNorm = finalNorm.plain
    config.headTransform?.norm = headTransform?.norm.plain ?? NormConfig()
    config.classification?.dropout = 0
    // The head of tokens says nothing about a classifier.
    if objective == .classification { config.head = .tied }
    guard let blocks = plain(blocks), let encoderBlocks = plain(encoderBlocks) else { return nil }
    config.blocks = blocks
    config.encoderBlocks = encoderBlocks
    return config
  }

  private func plain(_ list: [BlockConfig]) -> [BlockConfig]? {
    let plain = list.compactMap { $0.plain(width: width, maximumLength: maximumLength) }
    return plain.count == list.count ? plain : nil
  }
}

extension NormConfig {
  fileprivate var plain: NormConfig {
    var norm = self
    if kind != .layerNorm { norm.bias = NormConfig().bias }
    if kind == .none { norm.epsilon = NormConfig().epsilon }
    return norm
  }
}

extension EmbeddingConfig {
  fileprivate var plain: EmbeddingConfig {
    var config = self
    let standard = EmbeddingConfig()
    if positions != .rotary {
      config.rotaryBase = standard.rotaryBase
      config.rotaryScaling = nil
    }
    if let scaling = config.rotaryScaling {
      var plain = RotaryScaling(scaling.kind, factor: scaling.factor)
      if scaling.kind != .linear { plain.originalLength = scaling.originalLength }
      if scaling.kind == .llama3 { plain = scaling }
      config.rotaryScaling = plain
    }
    if positions != .relative {
      config.relativeHeads = standard.relativeHeads
      config.relativeBuckets = standard.relativeBuckets
      config.relativeDistance = standard.relativeDistance
    }
    config.norm = norm?.plain
    config.dropout = 0
    return config
  }
}

extension BlockConfig {
  fileprivate func plain(width: Int, maximumLength: Int) -> BlockConfig? {
    var block = self
    block.norm = norm.plain
    guard var mixer = softmaxAttention else { return nil }
    mixer.keyHeads = mixer.keyHeads ?? mixer.heads
    let headWidth = mixer.headWidth ?? width / mixer.heads
    mixer.headWidth = headWidth
    mixer.scale = mixer.scale ?? 1 / Double(headWidth).squareRoot()
    mixer.outputBias = mixer.outputBias ?? mixer.bias
    if let window = mixer.window, window >= maximumLength { mixer.window = nil }
    mixer.dropout = 0
    block.mixer = Spec(SoftmaxAttention.kind, mixer)
    if var cross = crossAttention {
      cross.keyHeads = cross.keyHeads ?? cross.heads
      let headWidth = cross.headWidth ?? width / cross.heads
      cross.headWidth = headWidth
      cross.scale = cross.scale ?? 1 / Double(headWidth).squareRoot()
      cross.dropout = 0
      block.crossAttention = cross
    }
    if var network = mlp {
      network.hidden = network.hidden ?? 4 * width
      network.dropout = 0
      block.feedForward = Spec(MLP.kind, network)
    } else if var network = gatedMLP {
      network.hidden = network.hidden(for: width)
      network.dropout = 0
      block.feedForward = Spec(GatedMLP.kind, network)
    } else {
      return nil
    }
    return block
  }

  /// The options of softmax attention; nil for another mixer.
  var softmaxAttention: SoftmaxAttention.Options? {
    guard mixer.kind == SoftmaxAttention.kind else { return nil }
    return try? mixer.options(SoftmaxAttention.Options.self, at: PartPath())
  }

  /// The options of a plain network; nil for another one.
  var mlp: MLP.Options? {
    guard feedForward.kind == MLP.kind else { return nil }
    return try? feedForward.options(MLP.Options.self, at: PartPath())
  }

  /// The options of a gated network; nil for another one.
  var gatedMLP: GatedMLP.Options? {
    guard feedForward.kind == GatedMLP.kind else { return nil }
    return try? feedForward.options(GatedMLP.Options.self, at: PartPath())
  }
}
