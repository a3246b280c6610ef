internal import VerdantBase

/// The object `model` of a tokenizer file, with its vocabulary read and its merges at hand.
struct ModelFile {
  /// What is neither vocabulary nor merges.
  let settings: PartSettings
  let vocabulary: Vocabulary
  /// The scores of a vocabulary that is a list, by id.
  let scores: [Double]
  /// The merges as ids, in order; nil where the file has none.
  let merges: [MergeReader.Entry]?
  /// Whether words come as bytes, which the vocabulary writes with characters.
  let isByteLevel: Bool

  /// The table of merges, and whether one crosses the start of a word.
  func mergeTable() throws(TokenizerError) -> (table: PairTable, crossesWords: Bool) {
    guard let merges else {
      throw settings.error(.missingKey, "'merges' is missing", "merges")
    }
    var table = PairTable(capacity: merges.count)
    var crosses = false
    for (rank, merge) in merges.enumerated() {
      table.set(merge.left, merge.right, .init(rank: Int32(rank), result: merge.result))
      crosses = crosses || merge.crossesWords
    }
    return (table, crosses)
  }
}

extension ModelFile {
  /// Tokens that are looked for byte by byte have at most as many: a search reads no further.
  private static let longestToken = 1_024

  /// A tree of all tokens.
  func trie() throws(TokenizerError) -> ByteTrie {
    guard vocabulary.longest <= Self.longestToken else {
      throw settings.error(
        .tooLarge, "a token of \(vocabulary.longest) bytes", "vocab",
        rule: "at most \(Self.longestToken) bytes")
    }
    var trie = ByteTrie()
    for id in vocabulary.ids {
      vocabulary.withToken(Int32(id)) { trie.add($0, value: Int32(id)) }
    }
    return trie
  }
}

/// Reads the object `model`.
struct ModelReader {
  private let file: String?
  private let limits: Limits
  private var members = JSONObject()
  private var vocabulary = Vocabulary()
  private var scores: [Double] = []
  private var hasVocabulary = false
  private var merges: [MergeReader.Entry]?
  private var mergesStart: Int?

  init(file: String?, limits: Limits) {
    self.file = file
    self.limits = limits
  }

  /// The kind of model.
  var kind: String {
    if let kind = members["type"]?.stringValue { return kind }
    // Old files name no type.
    if merges != nil { return BytePairModel.kind }
    if members["unk_id"] != nil { return UnigramModel.kind }
    return members["continuing_subword_prefix"] != nil ? WordPieceModel.kind : WordLevelModel.kind
  }

  /// The model of the file, when words come as bytes or not.
  func model(isByteLevel: Bool) -> ModelFile {
    ModelFile(
      settings: settings, vocabulary: vocabulary, scores: scores, merges: merges,
      isByteLevel: isByteLevel)
  }

  private var settings: PartSettings { PartSettings(object: members, path: "model", file: file) }

  /// Reads the object that comes next.
  mutating func read(_ reader: inout JSONReader, nestingLimit: Int) throws(TokenizerError) {
    do {
      let inner = try reader.enter(
        UInt8(ascii: "{"), "the object 'model'", nestingLimit: nestingLimit)
      if !reader.take(UInt8(ascii: "}")) {
        repeat {
          try readMember(&reader, inner)
        } while reader.take(UInt8(ascii: ","))
        try reader.expect(UInt8(ascii: "}"), "',' or '}'")
      }
    } catch let error as JSONError {
      throw TokenizerError(error)
    } catch let error as TokenizerError {
      throw error
    } catch {
      trap("[tokenizer] an error of no known type: \(error)")
    }
    guard hasVocabulary else {
      throw settings.error(.missingKey, "'vocab' is missing", "vocab")
    }
    if let mergesStart {
      var again = reader
      again.move(to: mergesStart)
      try readMerges(&again, nestingLimit)
    }
  }

  private mutating func readMember(_ reader: inout JSONReader, _ nesting: Int) throws {
    _ = reader.peek()
    let start = reader.position
    let key = try reader.string()
    try reader.expect(UInt8(ascii: ":"), "':'")
    let isRepeated =
      key == "vocab" ? hasVocabulary : key == "merges" ? merges != nil || mergesStart != nil : false
    if isRepeated || members[key] != nil {
      throw reader.failure(
        .duplicateKey, "the key \"\(escaped(key))\" appears twice in one object", at: start,
        rule: "keys are unique")
    }
    switch (key, reader.peek()) {
    case ("vocab", UInt8(ascii: "{")): try readTokens(&reader, nesting)
    case ("vocab", UInt8(ascii: "[")): try readScores(&reader, nesting)
    case ("merges", UInt8(ascii: "[")):
      if hasVocabulary, members["continuing_subword_prefix"] != nil {
        try readMerges(&reader, nesting)
      } else {
        mergesStart = try reader.skipValue(nestingLimit: nesting)
      }
    default: members[key] = try reader.value(nestingLimit: nesting)
    }
  }

  /// `{"token": id, …}`
  private mutating func readTokens(_ reader: inout JSONReader, _ nesting: Int) throws {
    hasVocabulary = true
    _ = try reader.enter(UInt8(ascii: "{"), "an object", nestingLimit: nesting)
    if reader.take(UInt8(ascii: "}")) { return }
    // Some 12 bytes an entry at the least.
    let guess = min(limits.vocabulary, (reader.bytes.count - reader.position) / 40)
    vocabulary.reserve(tokens: guess, bytes: guess * 8)
    var token: [UInt8] = []
    repeat {
      token.removeAll(keepingCapacity: true)
      try reader.string(appendingTo: &token)
      try reader.expect(UInt8(ascii: ":"), "':'")
      let value = try reader.value(nestingLimit: nesting)
      guard let id = value.intValue else {
        throw entryError(
          .wrongType, token, "has \(value.typeName) in the place of an id", "a whole number")
      }
      try add(token, id)
    } while reader.take(UInt8(ascii: ","))
    try reader.expect(UInt8(ascii: "}"), "',' or '}'")
  }

  /// `[["token", score], …]`
  private mutating func readScores(_ reader: inout JSONReader, _ nesting: Int) throws {
    hasVocabulary = true
    let inner = try reader.enter(UInt8(ascii: "["), "a list", nestingLimit: nesting)
    if reader.take(UInt8(ascii: "]")) { return }
    var token: [UInt8] = []
    repeat {
      token.removeAll(keepingCapacity: true)
      let deeper = try reader.enter(
        UInt8(ascii: "["), "a list of token and score", nestingLimit: inner)
      try reader.string(appendingTo: &token)
      try reader.expect(UInt8(ascii: ","), "',' and a score")
      _ = reader.peek()
      let start = reader.position
      let value = try reader.value(nestingLimit: deeper)
      guard value.doubleValue != nil else {
        throw entryError(
          .wrongType, token, "has \(value.typeName) in the place of a score", "a number")
      }
      try reader.expect(UInt8(ascii: "]"), "']'")
      try add(token, scores.count)
      scores.append(referenceNumber(reader.bytes[start..<reader.position]))
    } while reader.take(UInt8(ascii: ","))
    try reader.expect(UInt8(ascii: "]"), "',' or ']'")
  }

  private mutating func add(_ token: [UInt8], _ id: Int) throws(TokenizerError) {
    guard (0..<limits.vocabulary).contains(id) else {
      throw entryError(
        .invalidVocabulary, token, "has the id \(id)", "ids are 0 to \(limits.vocabulary - 1)")
    }
    do {
      try vocabulary.add(token, id: id)
    } catch {
      switch error {
      case .duplicateID:
        throw entryError(
          .invalidVocabulary, token, "has the id \(id) of another token", "ids are unique")
      case .duplicateToken:
        throw entryError(.invalidVocabulary, token, "appears twice", "tokens are unique")
      }
    }
  }

  private func entryError(
    _ kind: TokenizerError.Kind, _ token: [UInt8], _ problem: String, _ rule: String
  ) -> TokenizerError {
    let shown = escaped(String(decoding: token.prefix(200), as: UTF8.self), limit: 60)
    return settings.error(kind, "the token '\(shown)' \(problem)", "vocab", rule: rule)
  }

  private mutating func readMerges(_ reader: inout JSONReader, _ nesting: Int)
    throws(TokenizerError)
  {
    let prefix = try settings.optionalString("continuing_subword_prefix") ?? ""
    var merger = MergeReader(
      vocabulary: vocabulary, prefixLength: prefix.utf8.count, settings: settings, limits: limits)
    merges = try merger.read(&reader, nestingLimit: nesting)
  }
}
