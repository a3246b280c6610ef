public import VerdantBase

/// A tokenizer of a file `tokenizer.json`, with the ids and offsets of PyPI's `tokenizers`.
///
/// Texts are cut at added tokens, normalized, cut into words and turned into ids by the model; a
/// post-processor adds special tokens, a decoder turns ids into text again. Calls may run at the
/// same time; each uses memory of its own, words that were seen are remembered.
public struct PretrainedTokenizer: Tokenizer {
  /// The name in configurations.
  public static let kind = "tokenizer.json"

  let model: any TokenModel
  let normalizers: [any Normalizer]
  let preTokenizers: [any PreTokenizer]
  let postProcessors: [any PostProcessor]
  let decoders: [any TokenDecoder]
  let added: AddedTokens
  let scratches: ScratchPool
  /// Whether a pre-tokenizer has to know where words stood before normalization.
  private let alwaysTracks: Bool

  /// The file, as it was read.
  public let content: [UInt8]
  /// Token ids are below this.
  public let vocabulary: Int
  /// Separates documents: the first token of those that models use for it, or 0 without any.
  public let endOfDocument: Int32
  /// How long a text may become in ``tokenize(_:and:addsSpecialTokens:)``; nil for any length.
  public var truncation: Truncation?
  /// How texts are filled up in ``tokenize(_:and:addsSpecialTokens:)``; nil for not at all.
  public var padding: Padding?

  /// Tokens that end documents, by the models that use them.
  private static let endTokens = [
    "<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|im_end|>", "[SEP]", "<|eot_id|>",
  ]

  /// Reads a tokenizer file.
  ///
  /// - Parameters:
  ///   - bytes: The content of the file.
  ///   - file: The file to name in errors.
  ///   - limits: Limits of sizes.
  /// - Throws: ``TokenizerError`` that names the key, what was found and what would be right.
  public init(
    parsing bytes: UnsafeRawBufferPointer, file: String? = nil, limits: Limits = .standard
  ) throws(TokenizerError) {
    content = Array(bytes)
    var reader = TokenizerFileReader(file: file, limits: limits)
    try reader.read(bytes)
    let parts = PartReader(file: file)
    let members = reader.members
    normalizers = try parts.normalizers(members["normalizer"])
    var preTokenizers = try parts.preTokenizers(members["pre_tokenizer"])
    postProcessors = try parts.postProcessors(members["post_processor"])
    decoders = try parts.decoders(members["decoder"])

    scratches = ScratchPool()
    let kind = reader.model.kind
    var isByteLevel = false
    if kind == BytePairModel.kind, var last = preTokenizers.last as? ByteLevelPreTokenizer {
      // The model takes bytes: the characters that stand for them are never written.
      last.writesCharacters = false
      preTokenizers[preTokenizers.count - 1] = last
      isByteLevel = true
    }
    model = try parts.model(reader.model.model(isByteLevel: isByteLevel), kind: kind)
    self.preTokenizers = preTokenizers
    let rewriters = preTokenizers.count {
      $0 is ByteLevelPreTokenizer || $0 is MetaspacePreTokenizer
    }
    alwaysTracks =
      preTokenizers.contains { $0.needsAlignments } && (!normalizers.isEmpty || rewriters > 1)

    var list: [JSONValue] = []
    if let value = members["added_tokens"], !value.isNull {
      guard let items = value.arrayValue else {
        throw TokenizerError(
          .wrongType, "'added_tokens' is \(value.typeName)", file: file, place: "added_tokens",
          rule: "a list expected")
      }
      list = items
    }
    let normalizers = self.normalizers
    added = try AddedTokens(list, model.vocabulary, file: file, limits: limits) { text in
      for normalizer in normalizers { normalizer.apply(to: &text) }
    }
    vocabulary = max(model.vocabulary.bound, added.bound)
    truncation = try reader.settings("truncation").map { settings throws(TokenizerError) in
      try Truncation(settings)
    }
    padding = try reader.settings("padding").map { settings throws(TokenizerError) in
      try Padding(settings)
    }
    let known = (model.vocabulary, added)
    endOfDocument =
      Self.endTokens.lazy.compactMap { known.1.id(of: $0) ?? known.0.id(of: $0) }.first ?? 0
    for processor in postProcessors {
      for (key, id) in processor.addedIDs where token(of: id) == nil {
        throw TokenizerError(
          .missingToken, "a post-processor adds the id \(id), which has no token", file: file,
          place: "post_processor.\(key)", rule: "ids are those of tokens")
      }
    }
  }

  /// Reads a tokenizer file.
  ///
  /// - Throws: ``TokenizerError`` that names the key, what was found and what would be right.
  public init(parsing bytes: [UInt8], file: String? = nil, limits: Limits = .standard)
    throws(TokenizerError)
  {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(TokenizerError) in
        try PretrainedTokenizer(parsing: buffer, file: file, limits: limits)
      }
    }
    self = try result.get()
  }

  /// The kind with a hash of the file (FNV-1a).
  public var fingerprint: String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in content { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return "\(Self.kind) \(String(hash, radix: 16))"
  }

  /// The id of a token; nil for text that is no token.
  public func id(of token: String) -> Int32? {
    added.id(of: token) ?? model.vocabulary.id(of: token)
  }

  /// The token of an id as it stands in the file; nil for an id without one.
  public func token(of id: Int32) -> String? {
    tokenBytes(id).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Whether an id is that of a special token, which decoding leaves out.
  public func isSpecial(_ id: Int32) -> Bool {
    tokenBytes(id).map(added.isSpecial) ?? false
  }

  func tokenBytes(_ id: Int32) -> [UInt8]? {
    if let content = added.normalizedContents[id] { return content }
    if let token = added.tokens[id] { return Array(token.content.utf8) }
    return model.vocabulary.token(Int(id))
  }

  /// Turns a valid text into tokens; the closure gets each part between added tokens.
  func run(
    _ text: [UInt8], isTracked: Bool, _ sink: inout TokenSink,
    _ finish: (NormalizedText, _ firstToken: Int, inout TokenSink) -> Void
  ) {
    scratches.use { scratch in
      for piece in added.cut(text, isNormalized: false) {
        var part = NormalizedText(
          text[piece.start..<piece.end], origin: piece.start,
          isTracked: isTracked || alwaysTracks)
        let first = sink.ids.count
        guard piece.isText else {
          sink.append(piece.added, 0, part.bytes.count, isAdded: true)
          sink.word += 1
          finish(part, first, &sink)
          continue
        }
        for normalizer in normalizers { normalizer.apply(to: &part) }
        let pieces = added.cut(part.bytes, isNormalized: true)
        var words = PreTokenizedText(text: part, pieces: pieces)
        for preTokenizer in preTokenizers { preTokenizer.split(&words) }
        words.text.bytes.withUnsafeBufferPointer {
          model.tokenize($0, words.pieces, scratch, into: &sink)
        }
        finish(words.text, first, &sink)
      }
    }
  }
}
