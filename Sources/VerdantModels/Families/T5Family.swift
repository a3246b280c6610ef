import VerdantBase
import VerdantCore
import VerdantNN

/// T5 (Raffel et al. 2020) and its version 1.1 (Shazeer 2020): an encoder–decoder with biases of
/// scores by distance, root mean squares, and attention without a factor.
enum T5Family: ModelFamily {
  static let modelType = "t5"
  /// The names are the same with and without a head.
  static let prefix = ""
  static let dropoutKeys = (own: ["dropout_rate"], attention: [String]())
  static let unused = [
    "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight",
    "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
  ]

  static func config(_ settings: inout FamilySettings) -> ModelConfig {
    _ = settings.head(
      language: ["T5ForConditionalGeneration", "T5WithLMHeadModel"], classifier: nil,
      none: ["T5Model"], absent: .language)
    let dropout = settings.dropout("dropout_rate")
    let heads = settings.integer("num_heads", 8, in: 1...65536)
    var config = ModelConfig()
    config.architecture = .encoderDecoder
    config.objective = .spanCorruption
    config.vocabulary = settings.integer("vocab_size", 32128)
    config.width = settings.integer("d_model", 512, in: 1...65536)
    config.maximumLength = settings.integer("n_positions", 512)
    config.embedding.positions = .relative
    config.embedding.relativeHeads = heads
    config.embedding.relativeBuckets = settings.integer(
      "relative_attention_num_buckets", 32, in: 2...65536)
    config.embedding.relativeDistance = settings.integer("relative_attention_max_distance", 128)
    config.embedding.dropout = dropout
    let isTied = settings.bool("tie_word_embeddings", true)
    config.head = isTied ? .tied : .free
    // Version 1.1 does not scale; files of `transformers` 5 say so by a key of its own.
    let isScaled = settings.bool("scale_decoder_outputs", isTied)
    config.logitScale = isScaled ? 1 / Double(config.width).squareRoot() : 1
    var block = BlockConfig()
    block.norm = NormConfig(.rmsNorm)
    block.norm.epsilon = settings.epsilon("layer_norm_epsilon", 1e-6)
    config.finalNorm = block.norm
    var mixer = SoftmaxAttention.Options(heads: heads)
    mixer.headWidth = settings.integer("d_kv", 64, in: 1...65536)
    mixer.scale = 1
    mixer.bias = false
    mixer.dropout = dropout
    block.mixer = Spec(SoftmaxAttention.kind, mixer)
    block.feedForward = feedForward(&settings, dropout)
    let layers = settings.integer("num_layers", 6, in: 1...4096)
    config.encoderBlocks = Array(repeating: block, count: layers)
    var cross = CrossAttention.Options(heads: heads)
    cross.headWidth = mixer.headWidth
    cross.scale = 1
    cross.bias = false
    cross.dropout = dropout
    block.crossAttention = cross
    config.blocks = Array(
      repeating: block, count: settings.integer("num_decoder_layers", layers, in: 1...4096))
    return config
  }

  private static func feedForward(_ settings: inout FamilySettings, _ dropout: Double) -> Spec {
    let name = settings.text("feed_forward_proj", "relu")
    let isGated = name.hasPrefix("gated-")
    // The gate of version 1.1 is the tanh form under the name of the exact one.
    let plainName = isGated ? String(name.dropFirst("gated-".count)) : name
    let known = name == "gated-gelu" ? Activation.gelu : Activation(huggingFace: plainName)
    if known == nil {
      settings.reader.report(
        .unsupported, "the network '\(escaped(name))'", at: "feed_forward_proj",
        rule: "an activation, or 'gated-' with one")
    }
    guard isGated else {
      var network = MLP.Options()
      network.hidden = settings.integer("d_ff", 2048)
      network.activation = known ?? .relu
      network.bias = false
      network.dropout = dropout
      return Spec(MLP.kind, network)
    }
    var network = GatedMLP.Options()
    network.hidden = settings.integer("d_ff", 2048)
    network.activation = known ?? .gelu
    network.bias = false
    network.dropout = dropout
    return Spec(GatedMLP.kind, network)
  }

  static func json(_ plain: ModelConfig) -> JSONObject? {
    guard plain.architecture == .encoderDecoder, let block = plain.blocks.first,
      let mixer = block.softmaxAttention
    else { return nil }
    let gated = block.gatedMLP
    guard let activation = gated?.activation ?? block.mlp?.activation,
      let hidden = gated?.hidden ?? block.mlp?.hidden
    else { return nil }
    let name =
      gated == nil
      ? activation.huggingFace
      : "gated-" + (activation == .gelu ? "gelu" : activation.huggingFace)
    return [
      "architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": true,
      "vocab_size": .integer(plain.vocabulary), "d_model": .integer(plain.width),
      "d_kv": mixer.headWidth.map { .integer($0) } ?? .null, "d_ff": .integer(hidden),
      "num_layers": .integer(plain.encoderBlocks.count),
      "num_decoder_layers": .integer(plain.blocks.count), "num_heads": .integer(mixer.heads),
      "n_positions": .integer(plain.maximumLength),
      "relative_attention_num_buckets": .integer(plain.embedding.relativeBuckets),
      "relative_attention_max_distance": .integer(plain.embedding.relativeDistance),
      "layer_norm_epsilon": .number(block.norm.epsilon), "feed_forward_proj": .string(name),
      "tie_word_embeddings": .bool(plain.head == .tied),
      "scale_decoder_outputs": .bool(plain.logitScale != 1),
    ]
  }

  static func names(_ config: ModelConfig) -> NameTable {
    var names = NameTable()
    names.add("embedding.tokens", as: "shared.weight", "encoder.embed_tokens.weight")
    names.add("head.weight", as: "lm_head.weight")
    for index in config.encoderBlocks.indices {
      add(
        to: &names, config.encoderBlocks[index], "encoder.blocks.\(index)",
        "encoder.block.\(index)", network: 1)
    }
    names.norm("encoder.finalNorm", as: "encoder.final_layer_norm")
    for index in config.blocks.indices {
      let (own, foreign) = ("blocks.\(index)", "decoder.block.\(index)")
      add(to: &names, config.blocks[index], own, foreign, network: 2)
      attention(to: &names, "\(own).crossAttention", "\(foreign).layer.1.EncDecAttention")
      names.norm("\(own).crossNorm", as: "\(foreign).layer.1.layer_norm")
    }
    names.norm("finalNorm", as: "decoder.final_layer_norm")
    for (own, stack) in [("encoder", "encoder"), ("embedding", "decoder")] {
      names.add(
        "\(own).relativeBias",
        as: "\(stack).block.0.layer.0.SelfAttention.relative_attention_bias.weight")
    }
    return names
  }

  private static func add(
    to names: inout NameTable, _ block: BlockConfig, _ own: String, _ foreign: String,
    network: Int
  ) {
    attention(to: &names, "\(own).mixer", "\(foreign).layer.0.SelfAttention")
    names.norm("\(own).mixerNorm", as: "\(foreign).layer.0.layer_norm")
    let dense = "\(foreign).layer.\(network).DenseReluDense"
    names.add("\(own).feedForward.gate.weight", as: "\(dense).wi_0.weight")
    let up = block.feedForward.kind == GatedMLP.kind ? "wi_1" : "wi"
    names.add("\(own).feedForward.up.weight", as: "\(dense).\(up).weight")
    names.add("\(own).feedForward.down.weight", as: "\(dense).wo.weight")
    names.norm("\(own).feedForwardNorm", as: "\(foreign).layer.\(network).layer_norm")
  }

  private static func attention(to names: inout NameTable, _ own: String, _ foreign: String) {
    for (part, name) in [("query", "q"), ("key", "k"), ("value", "v"), ("output", "o")] {
      names.add("\(own).\(part).weight", as: "\(foreign).\(name).weight")
    }
  }
}
