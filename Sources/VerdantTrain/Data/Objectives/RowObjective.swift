import VerdantBase
import VerdantModels
import VerdantNN
import VerdantText

/// What becomes of plain rows for an objective.
struct RowObjective {
  let settings: ObjectiveSettings
  let kind: ModelConfig.Objective
  let tokenizer: any Tokenizer

  init(_ settings: ObjectiveSettings, _ kind: ModelConfig.Objective, _ tokenizer: any Tokenizer) {
    self.settings = settings
    self.kind = kind
    self.tokenizer = tokenizer
  }

  func rows(of source: any BatchSource, _ random: RandomSource) -> any BatchSource {
    let special = SpecialTokens(tokenizer, kind)
    switch kind {
    case .causalLanguageModel, .classification: return source
    case .maskedLanguageModel:
      var objective = MaskedLanguage(
        mask: special.mask, ordinary: 0..<Int32(tokenizer.vocabulary),
        special: [
          tokenizer.endOfDocument, special.mask, special.start, special.separator, special.padding,
        ])
      objective.rate = settings.maskRate
      objective.maskShare = settings.maskShare
      objective.randomShare = settings.randomShare
      return MaskedRows(source, objective, random)
    case .spanCorruption:
      var objective = SpanCorruption(
        firstSentinel: special.firstSentinel, sentinelCount: SpecialTokens.sentinelCount,
        start: tokenizer.endOfDocument)
      objective.density = settings.spanDensity
      objective.meanSpan = settings.meanSpan
      return SpanCorruptedRows(source, objective, random)
    }
  }
}
