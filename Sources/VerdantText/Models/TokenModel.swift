/// Turns words into ids.
protocol TokenModel: Sendable {
  /// The name in tokenizer files.
  static var kind: String { get }
  /// The tokens.
  var vocabulary: Vocabulary { get }
  /// Whether it takes the bytes of a byte-level text instead of characters that stand for them.
  var takesBytes: Bool { get }
  /// Makes the model of a tokenizer file.
  init(_ file: ModelFile) throws(TokenizerError)
  /// Appends the tokens of the pieces of a text.
  func tokenize(
    _ text: UnsafeBufferPointer<UInt8>, _ pieces: [Piece], _ scratch: TokenScratch,
    into sink: inout TokenSink)
}

extension TokenModel {
  var takesBytes: Bool { false }
}

/// Collects tokens.
struct TokenSink {
  /// The ids.
  var ids: [Int32]
  /// Whether the places of tokens are wanted.
  let isTracked: Bool
  /// The first byte of each token in the normalized text.
  var starts: [Int] = []
  /// The byte after the last of each token.
  var ends: [Int] = []
  /// The number of the piece of each token.
  var words: [Int32] = []
  /// Whether a token is one that was added to the vocabulary.
  var added: [Bool] = []
  /// The number of the current piece.
  var word: Int32 = 0

  init(_ ids: [Int32], isTracked: Bool) {
    self.ids = ids
    self.isTracked = isTracked
  }

  @inline(__always)
  mutating func append(_ id: Int32, _ start: Int, _ end: Int, isAdded: Bool = false) {
    ids.append(id)
    guard isTracked else { return }
    starts.append(start)
    ends.append(end)
    words.append(word)
    added.append(isAdded)
  }
}

extension TokenModel {
  /// Calls a closure with each piece of text and writes added tokens.
  @inline(__always)
  func forEachWord(
    _ pieces: [Piece], _ sink: inout TokenSink, _ body: (Int, Int, inout TokenSink) -> Void
  ) {
    for piece in pieces {
      if piece.isText {
        body(piece.start, piece.end, &sink)
      } else {
        sink.append(piece.added, piece.start, piece.end, isAdded: true)
      }
      sink.word &+= 1
    }
  }
}
