import VerdantBase
import VerdantNN
import VerdantText

/// Throws unless the model has a row for every id of the tokenizer: ids index its table.
func checkVocabulary(_ config: ModelConfig, _ tokenizer: any Tokenizer, file: String? = nil)
  throws(ConfigError)
{
  guard config.input == .tokens else { return }
  let special = SpecialTokens(tokenizer, config.objective)
  let needed: Int32 =
    switch config.objective {
    case .causalLanguageModel: 0
    case .maskedLanguageModel: special.mask
    case .spanCorruption: special.firstSentinel
    case .classification: config.classification?.pooling == .first ? special.start : 0
    }
  guard config.vocabulary > Int(needed) else {
    throw ConfigError(
      .inconsistent, "the model knows \(config.vocabulary) tokens", file: file, place: "vocabulary",
      rule: "its objective '\(config.objective.rawValue)' needs the token \(needed)")
  }
  guard config.vocabulary >= tokenizer.vocabulary else {
    throw ConfigError(
      .inconsistent,
      "the model knows \(config.vocabulary) tokens, its tokenizer \(tokenizer.vocabulary)",
      file: file, place: "vocabulary", rule: "at least as many as the tokenizer has")
  }
}
