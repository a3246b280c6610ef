import VerdantBase
import VerdantNN

/// Mistral (Jiang et al. 2023): Llama with a sliding window in every layer.
enum MistralFamily: ModelFamily {
  static let modelType = "mistral"
  static let prefix = "model."
  static let dropoutKeys = (own: [String](), attention: ["attention_dropout"])
  static let unused = RotaryDecoder.unused

  static func config(_ settings: inout FamilySettings) -> ModelConfig {
    settings.require("mlp_bias", false, else: "the networks of this family have no bias")
    // What is null there means no window, what is absent the window of the first model.
    let window =
      settings.object["sliding_window"] == nil ? 4096 : settings.optionalInteger("sliding_window")
    return RotaryDecoder.config(
      &settings, "Mistral", normEpsilon: 1e-6, keyHeads: 8,
      RotaryDecoder.Biases(inputs: false, output: false)
    ) { _, _ in window }
  }

  static func json(_ plain: ModelConfig) -> JSONObject? {
    guard var object = RotaryDecoder.json(plain, "Mistral"),
      let mixer = plain.blocks.first?.softmaxAttention
    else { return nil }
    object["mlp_bias"] = nil
    object["sliding_window"] = mixer.window.map { .integer($0) } ?? .null
    return object
  }

  static func names(_ config: ModelConfig) -> NameTable { RotaryDecoder.names(config) }
}
