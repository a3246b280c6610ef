import VerdantBase
import VerdantCore
import VerdantNN

/// Llama (Touvron et al. 2023; Grattafiori et al. 2024): pre-norm with root mean squares, rotary
/// positions, grouped key heads, a gated network.
enum LlamaFamily: ModelFamily {
  static let modelType = "llama"
  static let prefix = "model."
  static let dropoutKeys = (own: [String](), attention: ["attention_dropout"])
  static let unused = RotaryDecoder.unused

  static func config(_ settings: inout FamilySettings) -> ModelConfig {
    settings.require("pretraining_tp", 1, else: "the products of a model in one piece")
    let hasBias = settings.bool("attention_bias", false)
    return RotaryDecoder.config(
      &settings, "Llama", normEpsilon: 1e-6,
      RotaryDecoder.Biases(inputs: hasBias, output: hasBias)
    ) { _, _ in nil }
  }

  static func json(_ plain: ModelConfig) -> JSONObject? {
    guard var object = RotaryDecoder.json(plain, "Llama"),
      let mixer = plain.blocks.first?.softmaxAttention
    else { return nil }
    object["attention_bias"] = .bool(mixer.bias)
    return object
  }

  static func names(_ config: ModelConfig) -> NameTable { RotaryDecoder.names(config) }
}
