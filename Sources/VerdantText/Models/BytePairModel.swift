internal import VerdantBase

/// Byte-pair encoding (Sennrich et al., 2016): symbols are merged in the order of a list.
struct BytePairModel: TokenModel {
  static let kind = "BPE"

  let vocabulary: Vocabulary
  let takesBytes: Bool
  let pairs: PairTable
  /// The symbol of each byte or character of ASCII; -1 where there is none.
  private let symbols: [Int32]
  /// The tokens `<0x00>` to `<0xFF>`, where bytes stand for unknown characters; -1 without one.
  private let byteTokens: [Int32]?
  private let unknown: Int32?
  private let fusesUnknown: Bool
  private let ignoresMerges: Bool
  private let prefix: [UInt8]
  private let suffix: [UInt8]
  /// Whether no merge crosses the start of a word that `▁` begins, so that words stay apart.
  private let splitsWords: Bool

  init(_ file: ModelFile) throws(TokenizerError) {
    let settings = file.settings
    if let dropout = settings.optional("dropout"), dropout.doubleValue != 0 {
      throw settings.error(
        .unsupported, "dropout, which gives another result each time", "dropout",
        rule: "null or 0")
    }
    vocabulary = file.vocabulary
    takesBytes = file.isByteLevel
    prefix = Array((try settings.optionalString("continuing_subword_prefix") ?? "").utf8)
    suffix = Array((try settings.optionalString("end_of_word_suffix") ?? "").utf8)
    fusesUnknown = try settings.bool("fuse_unk") ?? false
    ignoresMerges = try settings.bool("ignore_merges") ?? false
    let merges = try file.mergeTable()
    pairs = merges.table

    let known = file.vocabulary
    let isByteLevel = file.isByteLevel
    symbols = (0..<(isByteLevel ? 256 : 128)).map { byte in
      known.id(of: isByteLevel ? ByteAlphabet.characters(of: [UInt8(byte)]) : [UInt8(byte)]) ?? -1
    }
    if try settings.bool("byte_fallback") ?? false {
      byteTokens = (0..<256).map { known.id(of: byteToken(UInt8($0))) ?? -1 }
    } else {
      byteTokens = nil
    }
    if let token = try settings.optionalString("unk_token"), !token.isEmpty {
      unknown = known.id(of: token)
      let isNeeded = symbols.contains(-1) || !isByteLevel
      if unknown == nil, isNeeded {
        throw settings.error(
          .missingToken, "the unknown token '\(escaped(token))' is not in the vocabulary",
          "unk_token")
      }
    } else {
      unknown = nil
    }
    splitsWords =
      !merges.crossesWords && !isByteLevel && !ignoresMerges && prefix.isEmpty && suffix.isEmpty
      && known.id(of: wordStart) != nil
  }

  func tokenize(
    _ text: UnsafeBufferPointer<UInt8>, _ pieces: [Piece], _ scratch: TokenScratch,
    into sink: inout TokenSink
  ) {
    guard let base = text.baseAddress else { return }
    forEachWord(pieces, &sink) { start, end, sink in
      guard splitsWords else {
        return tokenize(base, start, end, text.count, scratch, &sink)
      }
      var from = start
      while from < end {
        var to = from
        while to < end, isWordStart(base, to, end) { to += 3 }
        while to < end, !isWordStart(base, to, end) { to += 1 }
        tokenize(base, from, to, text.count, scratch, &sink)
        from = to
      }
    }
  }

  @inline(__always)
  private func isWordStart(_ text: UnsafePointer<UInt8>, _ i: Int, _ end: Int) -> Bool {
    text[i] == 0xE2 && i &+ 2 < end && text[i &+ 1] == 0x96 && text[i &+ 2] == 0x81
  }

  /// One word, from memory where it was seen before.
  @inline(__always)
  private func tokenize(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ limit: Int,
    _ scratch: TokenScratch, _ sink: inout TokenSink
  ) {
    let length = end &- start
    guard length <= TokenScratch.longestWord else {
      return merge(text, start, end, scratch, &sink)
    }
    let key = TokenScratch.key(text, start, length, limit)
    let entry = scratch.entry(key, length)
    if entry.pointee.key == key, Int(entry.pointee.length) == length {
      return TokenScratch.append(entry, start, into: &sink)
    }
    let first = sink.ids.count
    merge(text, start, end, scratch, &sink)
    scratch.keep(entry, key, length, ids: sink.ids[first...]) { scratch.symbols[$0].size }
  }

  /// One word without memory; leaves its symbols at the start of the scratch.
  private func merge(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ scratch: TokenScratch,
    _ sink: inout TokenSink
  ) {
    scratch.symbols.removeAll(keepingCapacity: true)
    if ignoresMerges, let id = whole(text, start, end) {
      scratch.add(id, size: end - start)
      return sink.append(id, start, end)
    }
    if takesBytes, prefix.isEmpty, suffix.isEmpty {
      addBytes(text, start, end, scratch)
    } else {
      addScalars(text, start, end, scratch)
    }
    scratch.merge(by: pairs)
    var place = start
    for symbol in scratch.symbols {
      sink.append(symbol.id, place, place + symbol.size)
      place += symbol.size
    }
  }

  private func whole(_ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int32? {
    let word = UnsafeBufferPointer(start: text + start, count: end - start)
    // No token is as long: characters take at least as many bytes as what they stand for.
    guard word.count <= vocabulary.longest else { return nil }
    return takesBytes
      ? vocabulary.id(of: ByteAlphabet.characters(of: word)) : vocabulary.id(of: word)
  }

  private func addBytes(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ scratch: TokenScratch
  ) {
    var pending = Unknown()
    for i in start..<end {
      let id = symbols[Int(text[i])]
      if id >= 0 {
        pending.flush(into: scratch)
        scratch.add(id, size: 1)
      } else {
        add(unknown: 1, &pending, scratch)
      }
    }
    pending.flush(into: scratch)
  }

  private func addScalars(
    _ text: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ scratch: TokenScratch
  ) {
    var pending = Unknown()
    var i = start
    while i < end {
      let size = takesBytes ? 1 : scalarSize(text[i])
      if let id = symbol(text, i, size, isFirst: i == start, isLast: i + size == end) {
        pending.flush(into: scratch)
        scratch.add(id, size: size)
      } else if let byteTokens, (i..<i + size).allSatisfy({ byteTokens[Int(text[$0])] >= 0 }) {
        for j in i..<i + size { scratch.add(byteTokens[Int(text[j])], size: 1) }
      } else {
        add(unknown: size, &pending, scratch)
      }
      i += size
    }
    pending.flush(into: scratch)
  }

  /// The token of one scalar.
  private func symbol(
    _ text: UnsafePointer<UInt8>, _ i: Int, _ size: Int, isFirst: Bool, isLast: Bool
  ) -> Int32? {
    let marks = !isFirst && !prefix.isEmpty || isLast && !suffix.isEmpty
    if !marks {
      if size == 1 { return symbols[Int(text[i])] >= 0 ? symbols[Int(text[i])] : nil }
      return vocabulary.id(of: UnsafeBufferPointer(start: text + i, count: size))
    }
    let scalar = UnsafeBufferPointer(start: text + i, count: size)
    let characters = takesBytes ? ByteAlphabet.characters(of: scalar) : Array(scalar)
    return vocabulary.id(of: (isFirst ? [] : prefix) + characters + (isLast ? suffix : []))
  }

  /// An unknown token that may still grow.
  private struct Unknown {
    var id: Int32?
    var size = 0

    mutating func flush(into scratch: TokenScratch) {
      if let id { scratch.add(id, size: size) }
      id = nil
      size = 0
    }
  }

  private func add(unknown size: Int, _ pending: inout Unknown, _ scratch: TokenScratch) {
    guard let unknown else { return }
    if pending.id != nil, !fusesUnknown { pending.flush(into: scratch) }
    pending.id = unknown
    pending.size += size
  }
}

/// The token that stands for a byte, such as `<0x0A>`.
func byteToken(_ byte: UInt8) -> String {
  let digits = String(byte, radix: 16, uppercase: true)
  return "<0x\(digits.utf8.count < 2 ? "0" : "")\(digits)>"
}

/// `▁`, which begins words.
let wordStart: [UInt8] = [0xE2, 0x96, 0x81]
