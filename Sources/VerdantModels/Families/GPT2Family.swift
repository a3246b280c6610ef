import VerdantBase
import VerdantCore
import VerdantNN

/// GPT-2 (Radford et al. 2019): pre-norm, learned positions, a tied head. Its linear maps are stored
/// transposed, queries, keys and values as one.
enum GPT2Family: ModelFamily {
  static let modelType = "gpt2"
  static let prefix = "transformer."
  static let dropoutKeys = (own: ["embd_pdrop", "resid_pdrop"], attention: ["attn_pdrop"])
  static let unused = ["transformer.h.*.attn.bias", "transformer.h.*.attn.masked_bias"]

  static func config(_ settings: inout FamilySettings) -> ModelConfig {
    settings.require("add_cross_attention", false, else: "a decoder alone")
    let head = settings.head(
      language: ["GPT2LMHeadModel"], classifier: "GPT2ForSequenceClassification",
      none: ["GPT2Model"], absent: .language)
    let width = settings.integer("n_embd", 768, in: 1...65536)
    let heads = settings.integer("n_head", 12, in: 1...65536)
    let residualDropout = settings.dropout("resid_pdrop")
    var config = ModelConfig()
    config.vocabulary = settings.integer("vocab_size", 50257)
    config.width = width
    config.maximumLength = settings.integer("n_positions", 1024)
    config.embedding.dropout = settings.dropout("embd_pdrop")
    config.head = settings.bool("tie_word_embeddings", true) ? .tied : .free
    if head == .classifier {
      config.objective = .classification
      config.classification = settings.classification(.last, bias: false, dropout: 0)
    }
    var block = BlockConfig()
    block.norm.epsilon = settings.epsilon("layer_norm_epsilon", 1e-5)
    config.finalNorm = block.norm
    var network = MLP.Options()
    network.hidden = settings.optionalInteger("n_inner") ?? 4 * width
    network.activation = settings.activation("activation_function", "gelu_new")
    network.dropout = residualDropout
    block.feedForward = Spec(MLP.kind, network)
    let isScaled = settings.bool("scale_attn_weights", true)
    let isScaledByLayer = settings.bool("scale_attn_by_inverse_layer_idx", false)
    for index in 0..<settings.integer("n_layer", 12, in: 1...4096) {
      var mixer = SoftmaxAttention.Options(heads: heads)
      mixer.dropout = residualDropout
      if !isScaled || isScaledByLayer {
        let own = isScaled ? 1 / Double(max(1, width / heads)).squareRoot() : 1
        mixer.scale = isScaledByLayer ? own / Double(index + 1) : own
      }
      block.mixer = Spec(SoftmaxAttention.kind, mixer)
      config.blocks.append(block)
    }
    return config
  }

  static func json(_ plain: ModelConfig) -> JSONObject? {
    guard let block = plain.blocks.first, let mixer = block.softmaxAttention,
      let network = block.mlp
    else { return nil }
    let isClassifier = plain.objective == .classification
    var object: JSONObject = [
      "architectures": [isClassifier ? "GPT2ForSequenceClassification" : "GPT2LMHeadModel"],
      "vocab_size": .integer(plain.vocabulary), "n_positions": .integer(plain.maximumLength),
      "n_embd": .integer(plain.width), "n_layer": .integer(plain.blocks.count),
      "n_head": .integer(mixer.heads), "n_inner": network.hidden.map { .integer($0) } ?? .null,
      "activation_function": .string(network.activation.huggingFace),
      "layer_norm_epsilon": .number(block.norm.epsilon),
      "tie_word_embeddings": .bool(plain.head == .tied),
    ]
    let scale = mixer.scale ?? 1
    object["scale_attn_weights"] = .bool(scale != 1 || plain.width == mixer.heads)
    if plain.blocks.count > 1, let second = plain.blocks[1].softmaxAttention?.scale {
      object["scale_attn_by_inverse_layer_idx"] = .bool(second == scale / 2)
    }
    if let classes = plain.classification?.classes { object["num_labels"] = .integer(classes) }
    return object
  }

  static func names(_ config: ModelConfig) -> NameTable {
    var names = NameTable()
    names.add("embedding.tokens", as: "transformer.wte.weight")
    names.add("embedding.positions", as: "transformer.wpe.weight")
    for index in config.blocks.indices {
      let (own, foreign) = ("blocks.\(index)", "transformer.h.\(index)")
      names.norm("\(own).mixerNorm", as: "\(foreign).ln_1")
      names.norm("\(own).feedForwardNorm", as: "\(foreign).ln_2")
      for part in ["weight", "bias"] {
        let mixer = "\(own).mixer"
        names.add(
          "\(mixer).query.\(part)", "\(mixer).key.\(part)", "\(mixer).value.\(part)",
          as: "\(foreign).attn.c_attn.\(part)", form: .transposed)
        names.add(
          "\(mixer).output.\(part)", as: "\(foreign).attn.c_proj.\(part)", form: .transposed)
        names.add(
          "\(own).feedForward.up.\(part)", as: "\(foreign).mlp.c_fc.\(part)", form: .transposed)
        names.add(
          "\(own).feedForward.down.\(part)", as: "\(foreign).mlp.c_proj.\(part)",
          form: .transposed)
      }
    }
    names.norm("finalNorm", as: "transformer.ln_f")
    names.add("head.weight", as: "lm_head.weight")
    names.linear("classifier", as: "score")
    return names
  }
}
