internal import VerdantBase

/// The Unigram model (Kudo, 2018): the cut of a word whose tokens have the highest sum of scores.
struct UnigramModel: TokenModel {
  static let kind = "Unigram"

  let vocabulary: Vocabulary
  private let scores: [Double]
  private let trie: ByteTrie
  private let unknown: Int32
  private let unknownScore: Double
  private let byteTokens: [Int32]?

  /// How far below the lowest score an unknown character stands, as in the reference.
  private static let unknownPenalty = 10.0

  init(_ file: ModelFile) throws(TokenizerError) {
    let settings = file.settings
    vocabulary = file.vocabulary
    scores = file.scores
    guard !scores.isEmpty else {
      throw settings.error(.invalidVocabulary, "the vocabulary is empty", "vocab")
    }
    guard let unknown = try settings.integer("unk_id", in: 0...scores.count - 1) else {
      throw settings.error(
        .missingKey, "'unk_id' is missing", "unk_id",
        rule: "characters without a token need one")
    }
    self.unknown = Int32(unknown)
    unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
    trie = try file.trie()
    if try settings.bool("byte_fallback") ?? false {
      let known = file.vocabulary
      byteTokens = (0..<256).map { known.id(of: byteToken(UInt8($0))) ?? -1 }
    } else {
      byteTokens = nil
    }
  }

  func tokenize(
    _ text: UnsafeBufferPointer<UInt8>, _ pieces: [Piece], _ scratch: TokenScratch,
    into sink: inout TokenSink
  ) {
    guard let base = text.baseAddress else { return }
    forEachWord(pieces, &sink) { start, end, sink in
      let length = end - start
      guard length <= TokenScratch.longestWord else {
        cut(base, start, end, scratch, &sink)
        return
      }
      let key = TokenScratch.key(base, start, length, text.count)
      let entry = scratch.entry(key, length)
      if entry.pointee.key == key, Int(entry.pointee.length) == length {
        return TokenScratch.append(entry, start, into: &sink)
      }
      let first = sink.ids.count
      // Bytes in the place of a character share its range and do not follow one another.
      guard cut(base, start, end, scratch, &sink) else { return }
      scratch.keep(entry, key, length, ids: sink.ids[first...]) { scratch.symbols[$0].size }
    }
  }

  /// One word; leaves its symbols in the scratch. False when tokens do not follow one another.
  @discardableResult
  private func cut(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ scratch: TokenScratch,
    _ sink: inout TokenSink
  ) -> Bool {
    findPath(text, start, end, scratch)
    scratch.symbols.removeAll(keepingCapacity: true)
    // From the end to the start; unknown neighbours are one token.
    var place = end - start
    while place > 0 {
      let node = scratch.path[place]
      let size = place - node.start
      if node.id == unknown, let last = scratch.symbols.indices.last,
        scratch.symbols[last].id == unknown
      {
        scratch.symbols[last].size += size
      } else {
        scratch.add(node.id, size: size)
      }
      place = node.start
    }
    scratch.symbols.reverse()
    place = start
    var isPlain = true
    for symbol in scratch.symbols {
      let range = place..<place + symbol.size
      if symbol.id == unknown {
        isPlain = append(unknown: text, range, &sink) && isPlain
      } else {
        sink.append(symbol.id, range.lowerBound, range.upperBound)
      }
      place = range.upperBound
    }
    return isPlain
  }

  private func findPath(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ scratch: TokenScratch
  ) {
    let length = end - start
    scratch.path.removeAll(keepingCapacity: true)
    scratch.path.append(
      contentsOf: repeatElement(.init(score: 0, start: -1, id: 0), count: length + 1))
    scratch.path.withUnsafeMutableBufferPointer { path in
      var place = 0
      while place < length {
        let score = path[place].score
        let single = scalarSize(text[start + place])
        var hasSingle = false
        var node = ByteTrie.root
        var i = place
        while i < length {
          node = trie.child(of: node, text[start + i])
          guard node != ByteTrie.none else { break }
          i += 1
          let id = trie.value(at: node)
          guard id != ByteTrie.none else { continue }
          let candidate = scores[Int(id)] + score
          if path[i].start < 0 || candidate > path[i].score {
            path[i] = .init(score: candidate, start: place, id: id)
          }
          if i - place == single { hasSingle = true }
        }
        if !hasSingle {
          let candidate = unknownScore + score
          if path[place + single].start < 0 || candidate > path[place + single].score {
            path[place + single] = .init(score: candidate, start: place, id: unknown)
          }
        }
        place += single
      }
    }
  }

  /// Writes what has no token: as a token of several characters, as bytes or as unknown.
  private func append(
    unknown text: UnsafePointer<UInt8>, _ range: Range<Int>, _ sink: inout TokenSink
  ) -> Bool {
    let part = UnsafeBufferPointer(start: text + range.lowerBound, count: range.count)
    if let id = vocabulary.id(of: part) {
      sink.append(id, range.lowerBound, range.upperBound)
      return true
    }
    if let byteTokens, part.allSatisfy({ byteTokens[Int($0)] >= 0 }) {
      for byte in part {
        sink.append(byteTokens[Int(byte)], range.lowerBound, range.upperBound)
      }
      return false
    }
    sink.append(unknown, range.lowerBound, range.upperBound)
    return true
  }
}
