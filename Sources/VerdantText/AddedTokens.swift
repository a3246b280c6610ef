internal import VerdantBase

/// A token that is found in texts as such, before they are cut into words.
struct AddedToken: Sendable {
  let id: Int32
  let content: String
  /// Whether it must stand alone, without letters or digits at its sides.
  let isSingleWord: Bool
  /// Whether it takes the white space before it.
  let stripsLeft: Bool
  /// Whether it takes the white space after it.
  let stripsRight: Bool
  /// Whether it is looked for in the normalized text.
  let isNormalized: Bool
  let isSpecial: Bool

  /// Bytes of the longest content; a search reads at most as many for each place.
  static let longest = 1_024
}

/// The added tokens of a tokenizer.
struct AddedTokens: Sendable {
  /// By id.
  private(set) var tokens: [Int32: AddedToken] = [:]
  private var ids: [ExactString: Int32] = [:]
  private var specials: Set<ExactString> = []
  /// What decoding shows in the place of the content, where normalization changes it.
  private(set) var normalizedContents: [Int32: [UInt8]] = [:]
  private var rawTrie = ByteTrie()
  private var normalizedTrie = ByteTrie()
  private var hasRaw = false
  private var hasNormalized = false

  /// An empty set.
  init() {}

  /// Reads the list of a tokenizer file.
  init(
    _ list: [JSONValue], _ vocabulary: Vocabulary, file: String?, limits: Limits,
    normalize: (inout NormalizedText) -> Void
  ) throws(TokenizerError) {
    guard list.count <= limits.vocabulary else {
      throw TokenizerError(
        .tooLarge, "\(list.count) added tokens", file: file, place: "added_tokens",
        rule: "at most \(limits.vocabulary)")
    }
    var next = Int32(vocabulary.count)
    for (index, item) in list.enumerated() {
      guard let object = item.objectValue else {
        throw TokenizerError(
          .wrongType, "an added token is \(item.typeName)", file: file,
          place: "added_tokens[\(index)]", rule: "an object expected")
      }
      let settings = PartSettings(object: object, path: "added_tokens[\(index)]", file: file)
      try add(settings, vocabulary, &next, limits)
    }
    for token in tokens.values.sorted(by: { $0.id < $1.id }) {
      var content = Array(token.content.utf8)
      if token.isNormalized {
        var text = NormalizedText(content, origin: 0, isTracked: false)
        normalize(&text)
        if text.bytes != content { normalizedContents[token.id] = text.bytes }
        content = text.bytes
      }
      guard !content.isEmpty else { continue }
      content.withUnsafeBufferPointer {
        if token.isNormalized {
          normalizedTrie.add($0, value: token.id)
          hasNormalized = true
        } else {
          rawTrie.add($0, value: token.id)
          hasRaw = true
        }
      }
    }
  }

  private mutating func add(
    _ settings: PartSettings, _ vocabulary: Vocabulary, _ next: inout Int32, _ limits: Limits
  ) throws(TokenizerError) {
    let content = try settings.string("content")
    guard !content.isEmpty else {
      throw settings.error(.invalidAddedToken, "an added token is empty", "content")
    }
    guard content.utf8.count <= AddedToken.longest else {
      throw settings.error(
        .tooLarge, "an added token of \(content.utf8.count) bytes", "content",
        rule: "at most \(AddedToken.longest) bytes")
    }
    guard let number = try settings.integer("id", in: 0...limits.vocabulary - 1) else {
      throw settings.error(.missingKey, "'id' is missing", "id")
    }
    let shown = escaped(content, limit: 60)
    let known = ids[ExactString(content)] ?? vocabulary.id(of: content)
    guard Int32(number) == known ?? next else {
      throw settings.error(
        .invalidAddedToken, "the added token '\(shown)' has the id \(number)", "id",
        rule: known.map { "the vocabulary gives it \($0)" }
          ?? "ids go on after the vocabulary without gaps: \(next)")
    }
    if known == nil { next += 1 }
    let isSpecial = try settings.bool("special") ?? false
    let token = AddedToken(
      id: Int32(number), content: content,
      isSingleWord: try settings.bool("single_word") ?? false,
      stripsLeft: try settings.bool("lstrip") ?? false,
      stripsRight: try settings.bool("rstrip") ?? false,
      isNormalized: try settings.bool("normalized") ?? !isSpecial, isSpecial: isSpecial)
    if isSpecial { specials.insert(ExactString(content)) }
    ids[ExactString(content)] = token.id
    tokens[token.id] = token
  }

  /// Ids are below this.
  var bound: Int { tokens.keys.max().map { Int($0) + 1 } ?? 0 }

  /// The id of a content.
  func id(of content: String) -> Int32? { ids[ExactString(content)] }

  /// Whether a token of this text is left out when special tokens are.
  func isSpecial(_ text: [UInt8]) -> Bool {
    !specials.isEmpty && specials.contains(ExactString(String(decoding: text, as: UTF8.self)))
  }

  /// Cuts a text at the tokens that are found in it, the longest of the leftmost first.
  func cut(_ text: [UInt8], isNormalized: Bool) -> [Piece] {
    guard !text.isEmpty else { return [] }
    guard isNormalized ? hasNormalized : hasRaw else { return [Piece(start: 0, end: text.count)] }
    let trie = isNormalized ? normalizedTrie : rawTrie
    return text.withUnsafeBufferPointer { text in
      var pieces: [Piece] = []
      var done = 0
      var i = 0
      while i < text.count {
        guard let (id, length) = longest(trie, text, i) else {
          i += 1
          continue
        }
        if let (start, end) = place(id, i, i + length, text, after: done) {
          if done < start { pieces.append(Piece(start: done, end: start)) }
          pieces.append(Piece(start: start, end: end, added: id))
          done = end
        }
        i += length
      }
      if done < text.count { pieces.append(Piece(start: done, end: text.count)) }
      return pieces
    }
  }

  @inline(__always)
  private func longest(_ trie: ByteTrie, _ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> (
    id: Int32, length: Int
  )? {
    var node = trie.child(of: ByteTrie.root, text[start])
    guard node != ByteTrie.none else { return nil }
    var found: (Int32, Int)?
    var i = start + 1
    while node != ByteTrie.none {
      if trie.value(at: node) != ByteTrie.none { found = (trie.value(at: node), i - start) }
      guard i < text.count else { break }
      node = trie.child(of: node, text[i])
      i += 1
    }
    return found
  }

  /// What a match takes; nil when it must stand alone and does not.
  private func place(
    _ id: Int32, _ first: Int, _ last: Int, _ text: UnsafeBufferPointer<UInt8>, after done: Int
  ) -> (start: Int, end: Int)? {
    guard let token = tokens[id], let base = text.baseAddress else { return nil }
    let properties = ScalarProperties.shared
    var start = first
    var end = last
    func before(_ i: Int) -> Int {
      var j = i - 1
      while j > 0, text[j] & 0xC0 == 0x80 { j -= 1 }
      return j
    }
    if token.isSingleWord {
      let isInWord =
        start > 0 && properties[decodeScalar(base, before(start)).scalar].contains(.word)
        || end < text.count && properties[decodeScalar(base, end).scalar].contains(.word)
      if isInWord { return nil }
    }
    if token.stripsLeft {
      while start > done {
        let i = before(start)
        guard properties[decodeScalar(base, i).scalar].contains(.space) else { break }
        start = i
      }
      start = max(start, done)
    }
    if token.stripsRight {
      // What an earlier token took up to `done` is white space.
      end = max(end, done)
      while end < text.count {
        let (scalar, size) = decodeScalar(base, end)
        guard properties[scalar].contains(.space) else { break }
        end += size
      }
    }
    return (start, end)
  }
}
