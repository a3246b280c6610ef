/// The parts of tokenizer files. A new one adds its line here.
enum TokenizerCatalog {
  /// Models.
  static let models: [any TokenModel.Type] = [
    BytePairModel.self, WordPieceModel.self, UnigramModel.self, WordLevelModel.self,
  ]

  /// Normalizers.
  static let normalizers: [any Normalizer.Type] = [
    BertNormalizer.self, NFCNormalizer.self, NFDNormalizer.self, NFKCNormalizer.self,
    NFKDNormalizer.self, LowercaseNormalizer.self, StripAccentsNormalizer.self,
    StripNormalizer.self, NmtNormalizer.self, ReplaceNormalizer.self, PrependNormalizer.self,
    ByteLevelNormalizer.self, PrecompiledNormalizer.self,
  ]

  /// Pre-tokenizers.
  static let preTokenizers: [any PreTokenizer.Type] = [
    ByteLevelPreTokenizer.self, SplitPreTokenizer.self, MetaspacePreTokenizer.self,
    BertPreTokenizer.self, WhitespacePreTokenizer.self, WhitespaceSplitPreTokenizer.self,
    PunctuationPreTokenizer.self, DigitsPreTokenizer.self, DelimiterPreTokenizer.self,
  ]

  /// Post-processors.
  static let postProcessors: [any PostProcessor.Type] = [
    TemplateProcessor.self, BertProcessor.self, RobertaProcessor.self, ByteLevelProcessor.self,
  ]

  /// Decoders.
  static let decoders: [any TokenDecoder.Type] = [
    ByteLevelDecoder.self, ByteFallbackDecoder.self, FuseDecoder.self, ReplaceDecoder.self,
    StripDecoder.self, MetaspaceDecoder.self, WordPieceDecoder.self, WordEndDecoder.self,
  ]
}
