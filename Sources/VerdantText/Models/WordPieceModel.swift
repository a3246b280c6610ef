internal import VerdantBase

/// WordPiece (Wu et al., 2016): the longest token from the left, again and again.
struct WordPieceModel: TokenModel {
  static let kind = "WordPiece"

  let vocabulary: Vocabulary
  private let trie: ByteTrie
  /// Where tokens that go on within a word begin in the trie; none when there are none.
  private let continuing: Int32
  private let unknown: Int32
  private let longestWord: Int

  init(_ file: ModelFile) throws(TokenizerError) {
    let settings = file.settings
    vocabulary = file.vocabulary
    longestWord =
      try settings.integer("max_input_chars_per_word", in: 1...Int(Int32.max)) ?? 100
    let token = try settings.optionalString("unk_token") ?? "[UNK]"
    guard let unknown = vocabulary.id(of: token) else {
      throw settings.error(
        .missingToken, "the unknown token '\(escaped(token))' is not in the vocabulary",
        "unk_token")
    }
    self.unknown = unknown
    let prefix = Array((try settings.optionalString("continuing_subword_prefix") ?? "##").utf8)
    trie = try file.trie()
    continuing = trie.node(after: prefix)
  }

  func tokenize(
    _ text: UnsafeBufferPointer<UInt8>, _ pieces: [Piece], _ scratch: TokenScratch,
    into sink: inout TokenSink
  ) {
    guard let base = text.baseAddress else { return }
    forEachWord(pieces, &sink) { start, end, sink in
      let length = end - start
      guard length <= TokenScratch.longestWord else {
        return match(base, start, end, scratch, &sink)
      }
      let key = TokenScratch.key(base, start, length, text.count)
      let entry = scratch.entry(key, length)
      if entry.pointee.key == key, Int(entry.pointee.length) == length {
        return TokenScratch.append(entry, start, into: &sink)
      }
      let first = sink.ids.count
      match(base, start, end, scratch, &sink)
      scratch.keep(entry, key, length, ids: sink.ids[first...]) { scratch.symbols[$0].size }
    }
  }

  /// One word; leaves its symbols in the scratch.
  private func match(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ scratch: TokenScratch,
    _ sink: inout TokenSink
  ) {
    scratch.symbols.removeAll(keepingCapacity: true)
    if !cut(text, start, end, scratch) {
      scratch.symbols.removeAll(keepingCapacity: true)
      scratch.add(unknown, size: end - start)
    }
    var place = start
    for symbol in scratch.symbols {
      sink.append(symbol.id, place, place + symbol.size)
      place += symbol.size
    }
  }

  /// Finds the tokens of a word; false when a part of it begins no token, or it is too long.
  private func cut(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ scratch: TokenScratch
  ) -> Bool {
    if end - start > longestWord {
      let word = UnsafeBufferPointer(start: text + start, count: end - start)
      guard word.scalarCount <= longestWord else { return false }
    }
    var place = start
    while place < end {
      var node = place == start ? ByteTrie.root : continuing
      var found = ByteTrie.none
      var foundEnd = place
      var i = place
      while i < end, node != ByteTrie.none {
        node = trie.child(of: node, text[i])
        i += 1
        if node != ByteTrie.none, trie.value(at: node) != ByteTrie.none {
          found = trie.value(at: node)
          foundEnd = i
        }
      }
      guard found != ByteTrie.none else { return false }
      scratch.add(found, size: foundEnd - place)
      place = foundEnd
    }
    return true
  }
}

/// A model whose words are tokens.
struct WordLevelModel: TokenModel {
  static let kind = "WordLevel"

  let vocabulary: Vocabulary
  private let unknown: Int32

  init(_ file: ModelFile) throws(TokenizerError) {
    vocabulary = file.vocabulary
    let token = try file.settings.string("unk_token")
    guard let unknown = vocabulary.id(of: token) else {
      throw file.settings.error(
        .missingToken, "the unknown token '\(escaped(token))' is not in the vocabulary",
        "unk_token")
    }
    self.unknown = unknown
  }

  func tokenize(
    _ text: UnsafeBufferPointer<UInt8>, _ pieces: [Piece], _ scratch: TokenScratch,
    into sink: inout TokenSink
  ) {
    forEachWord(pieces, &sink) { start, end, sink in
      let word = UnsafeBufferPointer(rebasing: text[start..<end])
      sink.append(vocabulary.id(of: word) ?? unknown, start, end)
    }
  }
}
