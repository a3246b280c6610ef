import VerdantBase
import VerdantCore
import VerdantNN

/// What Llama and the families that follow it have in common.
enum RotaryDecoder {
  static let unused = ["model.layers.*.self_attn.rotary_emb.inv_freq"]

  /// Which projections of attention have a bias.
  struct Biases {
    let inputs: Bool
    let output: Bool
  }

  /// The model of a `config.json`.
  ///
  /// - Parameters:
  ///   - name: What the names of its architectures begin with.
  ///   - keyHeads: Key heads of a file that names none; nil for as many as heads.
  ///   - window: The window of a layer.
  static func config(
    _ settings: inout FamilySettings, _ name: String, normEpsilon: Double, keyHeads: Int? = nil,
    _ biases: Biases, window: (_ layer: Int, inout FamilySettings) -> Int?
  ) -> ModelConfig {
    let head = settings.head(
      language: ["\(name)ForCausalLM"], classifier: "\(name)ForSequenceClassification",
      none: ["\(name)Model"], absent: .language)
    var config = ModelConfig()
    config.vocabulary = settings.integer("vocab_size", 32000)
    config.width = settings.integer("hidden_size", 4096, in: 1...65536)
    config.maximumLength = settings.integer("max_position_embeddings", 2048)
    config.embedding.positions = .rotary
    config.head = settings.bool("tie_word_embeddings", false) ? .tied : .free
    readRotary(&settings, into: &config)
    if head == .classifier {
      config.objective = .classification
      config.classification = settings.classification(.last, bias: false, dropout: 0)
    }
    var block = BlockConfig()
    block.norm = NormConfig(.rmsNorm)
    block.norm.epsilon = settings.epsilon("rms_norm_eps", normEpsilon)
    config.finalNorm = block.norm
    var network = GatedMLP.Options()
    network.hidden = settings.integer("intermediate_size", 11008)
    network.activation = settings.activation("hidden_act", "silu")
    network.bias = settings.bool("mlp_bias", false)
    block.feedForward = Spec(GatedMLP.kind, network)
    let heads = settings.integer("num_attention_heads", 32, in: 1...65536)
    var mixer = SoftmaxAttention.Options(heads: heads)
    // A null means as many as heads, whatever a file without the key means.
    let isNamed = settings.object["num_key_value_heads"] != nil
    mixer.keyHeads =
      settings.optionalInteger("num_key_value_heads", in: 1...65536) ?? (isNamed ? nil : keyHeads)
    mixer.headWidth = settings.optionalInteger("head_dim", in: 1...65536)
    mixer.bias = biases.inputs
    mixer.outputBias = biases.output
    for layer in 0..<settings.integer("num_hidden_layers", 32, in: 1...4096) {
      mixer.window = window(layer, &settings)
      block.mixer = Spec(SoftmaxAttention.kind, mixer)
      config.blocks.append(block)
    }
    return config
  }

  /// Reads either spelling: `rope_parameters` of `transformers` 5, or `rope_theta` and
  /// `rope_scaling` of those before.
  private static func readRotary(_ settings: inout FamilySettings, into config: inout ModelConfig) {
    let key = settings["rope_parameters"] == nil ? "rope_scaling" : "rope_parameters"
    var inner = FamilySettings(JSONObject(), file: settings.reader.file)
    if let value = settings[key], let object = settings.reader.object(value, at: key) {
      inner = FamilySettings(object, file: settings.reader.file)
    }
    let base = settings.number("rope_theta", 10_000, in: 1...1e9)
    config.embedding.rotaryBase = inner.number("rope_theta", base, in: 1...1e9)
    let partial = settings.number("partial_rotary_factor", 1, in: 0...1)
    guard inner.number("partial_rotary_factor", partial, in: 0...1) == 1 else {
      settings.reader.report(
        .unsupported, "rotary positions of a part of each head", at: "partial_rotary_factor",
        rule: "all numbers of a head turn")
      return
    }
    let name = inner["rope_type"] ?? inner["type"] ?? "default"
    guard name != "default" else { return }
    guard let kind = name.stringValue.flatMap(RotaryScaling.Kind.init(rawValue:)) else {
      settings.reader.report(
        .unsupported, "the rotary scaling '\(escaped(name.stringValue ?? name.typeName))'",
        at: "\(key).rope_type",
        rule:
          "one of default, \(RotaryScaling.Kind.allCases.map(\.rawValue).joined(separator: ", "))")
      return
    }
    var scaling = RotaryScaling(kind, factor: inner.number("factor", 1, in: 1...1e6))
    if kind != .linear { scaling.originalLength = config.maximumLength }
    if kind == .dynamic {
      // Longer sequences are what the rule is for.
      let longest = (Double(config.maximumLength) * scaling.factor).rounded(.up)
      config.maximumLength = Int(min(longest, Double(1 << 24)))
    } else if kind == .llama3 {
      scaling.originalLength = inner.integer(
        "original_max_position_embeddings", scaling.originalLength)
      scaling.lowFrequencyFactor = inner.number("low_freq_factor", 1, in: 1e-3...1e6)
      scaling.highFrequencyFactor = inner.number("high_freq_factor", 4, in: 1e-3...1e6)
    }
    for problem in inner.reader.problems {
      settings.reader.report(
        problem.kind, problem.report.what, at: "\(key).\(problem.report.place ?? "")",
        rule: problem.report.rule)
    }
    config.embedding.rotaryScaling = scaling
  }

  /// The `config.json` of a model, but for what the families do not share.
  static func json(_ plain: ModelConfig, _ name: String) -> JSONObject? {
    guard let block = plain.blocks.first, let mixer = block.softmaxAttention,
      let network = block.gatedMLP
    else { return nil }
    let isClassifier = plain.objective == .classification
    let scaling = plain.embedding.rotaryScaling
    let isDynamic = scaling?.kind == .dynamic
    var rotary = rotaryJSON(scaling)
    let base = JSONValue.number(plain.embedding.rotaryBase)
    var object: JSONObject = [
      "architectures": [
        .string(name + (isClassifier ? "ForSequenceClassification" : "ForCausalLM"))
      ],
      "vocab_size": .integer(plain.vocabulary), "hidden_size": .integer(plain.width),
      "intermediate_size": network.hidden.map { .integer($0) } ?? .null,
      "num_hidden_layers": .integer(plain.blocks.count),
      "num_attention_heads": .integer(mixer.heads),
      "num_key_value_heads": mixer.keyHeads.map { .integer($0) } ?? .null,
      "head_dim": mixer.headWidth.map { .integer($0) } ?? .null,
      "hidden_act": .string(network.activation.huggingFace),
      "max_position_embeddings":
        .integer((isDynamic ? scaling?.originalLength : nil) ?? plain.maximumLength),
      "rms_norm_eps": .number(block.norm.epsilon), "mlp_bias": .bool(network.bias),
      "tie_word_embeddings": .bool(plain.head == .tied), "rope_theta": base,
    ]
    object["rope_scaling"] = scaling == nil ? .null : .object(rotary)
    rotary["rope_theta"] = base
    object["rope_parameters"] = .object(rotary)
    if let classes = plain.classification?.classes { object["num_labels"] = .integer(classes) }
    return object
  }

  private static func rotaryJSON(_ scaling: RotaryScaling?) -> JSONObject {
    guard let scaling else { return ["rope_type": "default"] }
    var object: JSONObject = [
      "rope_type": .string(scaling.kind.rawValue), "factor": .number(scaling.factor),
    ]
    if scaling.kind == .llama3 {
      object["low_freq_factor"] = .number(scaling.lowFrequencyFactor)
      object["high_freq_factor"] = .number(scaling.highFrequencyFactor)
      object["original_max_position_embeddings"] = .integer(scaling.originalLength)
    }
    return object
  }

  static func names(_ config: ModelConfig) -> NameTable {
    var names = NameTable()
    names.add("embedding.tokens", as: "model.embed_tokens.weight")
    for index in config.blocks.indices {
      let (own, foreign) = ("blocks.\(index)", "model.layers.\(index)")
      names.norm("\(own).mixerNorm", as: "\(foreign).input_layernorm")
      names.norm("\(own).feedForwardNorm", as: "\(foreign).post_attention_layernorm")
      for (part, name) in [("query", "q"), ("key", "k"), ("value", "v"), ("output", "o")] {
        names.linear("\(own).mixer.\(part)", as: "\(foreign).self_attn.\(name)_proj")
      }
      for part in ["gate", "up", "down"] {
        names.linear("\(own).feedForward.\(part)", as: "\(foreign).mlp.\(part)_proj")
      }
    }
    names.norm("finalNorm", as: "model.norm")
    names.add("head.weight", as: "lm_head.weight")
    names.linear("classifier", as: "score")
    return names
  }
}
