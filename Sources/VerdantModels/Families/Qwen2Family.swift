import VerdantBase
import VerdantNN

/// Qwen2 (Yang et al. 2024): Llama with biases of queries, keys and values, and a sliding window in
/// the later layers when there is one.
enum Qwen2Family: ModelFamily {
  static let modelType = "qwen2"
  static let prefix = "model."
  static let dropoutKeys = (own: [String](), attention: ["attention_dropout"])
  static let unused = RotaryDecoder.unused

  static func config(_ settings: inout FamilySettings) -> ModelConfig {
    settings.require("mlp_bias", false, else: "the networks of this family have no bias")
    let window =
      settings.bool("use_sliding_window", false)
      ? settings.optionalInteger("sliding_window") ?? 4096 : nil
    let first = settings.integer("max_window_layers", 28, in: 0...4096)
    let kinds = settings["layer_types"]?.arrayValue?.map(\.stringValue)
    return RotaryDecoder.config(
      &settings, "Qwen2", normEpsilon: 1e-6, keyHeads: 32,
      RotaryDecoder.Biases(inputs: true, output: false)
    ) { index, settings in
      guard let kinds else { return index >= first ? window : nil }
      guard kinds.indices.contains(index), let kind = kinds[index] else {
        settings.reader.report(
          .inconsistent, "no kind of layer \(index)", at: "layer_types",
          rule: "one name for each layer")
        return nil
      }
      switch kind {
      case "sliding_attention": return window
      case "full_attention": return nil
      default:
        settings.reader.unknownName(
          kind, known: ["full_attention", "sliding_attention"], at: "layer_types[\(index)]")
        return nil
      }
    }
  }

  static func json(_ plain: ModelConfig) -> JSONObject? {
    guard var object = RotaryDecoder.json(plain, "Qwen2") else { return nil }
    let windows = plain.blocks.map { $0.softmaxAttention?.window }
    object["mlp_bias"] = nil
    object["head_dim"] = nil
    object["use_sliding_window"] = .bool(windows.contains { $0 != nil })
    object["sliding_window"] = windows.compactMap(\.self).first.map { .integer($0) } ?? .null
    object["max_window_layers"] = .integer(
      windows.firstIndex { $0 != nil } ?? plain.blocks.count)
    object["layer_types"] = .array(
      windows.map { $0 == nil ? "full_attention" : "sliding_attention" })
    return object
  }

  static func names(_ config: ModelConfig) -> NameTable { RotaryDecoder.names(config) }
}
