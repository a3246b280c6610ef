public import VerdantBase
import VerdantIO

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What another folder with a model keeps of the one that it came from.
public struct ModelOrigin: Sendable {
  /// The folder.
  public let folder: String
  /// The content of its `config.json`.
  public let config: JSONObject

  /// Files beside the model that go with it, where they exist.
  static let companions = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "chat_template.jinja", "generation_config.json",
    "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json",
    "1_Pooling/config.json",
  ]

  /// The family whose form the folder has; nil for this package's own.
  var family: String? {
    let type = config["model_type"]?.stringValue
    return type == ModelFolder.modelType ? nil : type
  }

  /// Copies the companions.
  func copyCompanions(into output: AtomicFolder) throws {
    var status = stat()
    for name in Self.companions where lstat("\(folder)/\(name)", &status) == 0 {
      let bytes = try readFile(
        modelFile(folder, name), limit: Limits.standard.tokenizerBytes, followsLinks: false)
      try output.write(bytes, named: name)
    }
  }

  /// The keys of a new `config.json` of the same family, with those of the old one that are not
  /// known here behind them.
  func merged(into json: JSONObject) -> JSONObject {
    guard config["model_type"] == json["model_type"] else { return json }
    var result = json
    for (key, value) in config where !Self.replaced.contains(key) {
      _ = result.appendIfNew(key, value)
    }
    return result
  }

  /// Keys that say something about the old files alone, or that others replace.
  private static let replaced: Set<String> = [
    "torch_dtype", "dtype", "id2label", "label2id", "num_labels", "_name_or_path",
    "problem_type", "transformers_version",
  ]
}
