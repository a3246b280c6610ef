import VerdantBase
import VerdantNN
import VerdantText

/// Throws unless the model has a row for every id of the tokenizer: ids index its table.
func checkVocabulary(_ config: ModelConfig, _ tokenizer: any Tokenizer, file: String? = nil)
  throws(ConfigError)
{
  guard config.vocabulary >= tokenizer.vocabulary else {
    throw ConfigError(
      .inconsistent,
      "the model knows \(config.vocabulary) tokens, its tokenizer \(tokenizer.vocabulary)",
      file: file, place: "vocabulary", rule: "at least as many as the tokenizer has")
  }
}
