public import VerdantBase
public import VerdantText

/// Documents as one sequence of tokens in memory, each document followed by the separator.
public struct TokenStream: TokenSequence {
  /// The token ids.
  public let ids: [Int32]
  /// Bytes of the documents, separators not counted.
  public let byteCount: Int
  /// The number of documents.
  public let documentCount: Int

  /// Joins documents.
  public init(_ documents: [[UInt8]], _ tokenizer: any Tokenizer) {
    var ids: [Int32] = []
    ids.reserveCapacity(documents.reduce(documents.count) { $0 + $1.count })
    for document in documents {
      document.withUnsafeBytes { tokenizer.encode($0, into: &ids) }
      ids.append(tokenizer.endOfDocument)
    }
    self.ids = ids
    byteCount = documents.reduce(0) { $0 + $1.count }
    documentCount = documents.count
  }

  /// Takes tokens that were made elsewhere.
  init(ids: [Int32], byteCount: Int, documentCount: Int) {
    self.ids = ids
    self.byteCount = byteCount
    self.documentCount = documentCount
  }

  /// The tokens.
  public var count: Int { ids.count }

  /// Adds the tokens of a range to a list.
  public func append(_ range: Range<Int>, to list: inout [Int32]) { list += ids[range] }

  /// The hash of all tokens.
  public func fingerprint() -> TokenFingerprint { TokenFingerprint(ids) }

  /// Sets a share of the documents aside for validation.
  ///
  /// With ten documents or more whole documents are chosen by the random source; with fewer the
  /// end of each is cut off, so that both parts see every text.
  public static func split(
    _ documents: [[UInt8]], validation fraction: Double, _ random: RandomSource
  ) -> (training: [[UInt8]], validation: [[UInt8]]) {
    guard fraction > 0 else { return (documents, []) }
    if documents.count >= 10 {
      let order = Permutation(documents.count, random.stream("validation split"))
      let held = Set((0..<max(1, Int(Double(documents.count) * fraction))).map { order[$0] })
      var training: [[UInt8]] = []
      var validation: [[UInt8]] = []
      for (index, document) in documents.enumerated() {
        if held.contains(index) { validation.append(document) } else { training.append(document) }
      }
      return (training, validation)
    }
    let cuts = documents.map { cut($0, held: Int(Double($0.count) * fraction)) }
    return (
      zip(documents, cuts).map { Array($0[..<$1]) },
      // A text of a few bytes has nothing to set aside; empty documents would be separators only.
      zip(documents, cuts).map { Array($0[$1...]) }.filter { !$0.isEmpty }
    )
  }

  /// Where the last `held` bytes begin, moved to a line's end where one is near, else to the
  /// start of a character.
  private static func cut(_ document: [UInt8], held: Int) -> Int {
    let cut = document.count - held
    guard held > 0 else { return cut }
    // By no more than the part itself: the validation text at most doubles.
    let nearest = max(1, cut - min(held, 4096))
    if nearest < cut, let line = document[(nearest - 1)..<cut].lastIndex(of: 10) {
      return line + 1
    }
    var start = cut
    while start > max(1, cut - 3), document[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }
}
