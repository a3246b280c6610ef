/// A word of a text, or an added token in it.
struct Piece: BitwiseCopyable {
  /// The first byte in the normalized text.
  var start: Int
  /// The byte after the last.
  var end: Int
  /// The id of an added token; -1 for text.
  var added: Int32 = -1

  var isText: Bool { added < 0 }
}

/// A text that is being cut into words.
struct PreTokenizedText {
  var text: NormalizedText
  /// In order; between them may lie what was removed.
  var pieces: [Piece]

  /// Cuts each piece of text; empty parts are left out.
  mutating func cut(
    _ body: (UnsafePointer<UInt8>, Range<Int>, _ emit: (Int, Int) -> Void) -> Void
  ) {
    var result: [Piece] = []
    result.reserveCapacity(pieces.count + text.bytes.count / 4)
    text.bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for piece in pieces {
        if piece.isText {
          body(base, piece.start..<piece.end) { start, end in
            if start < end { result.append(Piece(start: start, end: end)) }
          }
        } else {
          result.append(piece)
        }
      }
    }
    pieces = result
  }

  /// Writes each piece of text anew; what lies between pieces is lost.
  mutating func rewrite(_ body: (inout TextRewriter, Range<Int>) -> Void) {
    var rewriter = TextRewriter(text)
    for i in pieces.indices {
      let piece = pieces[i]
      rewriter.skip(to: piece.start)
      let start = rewriter.count
      if piece.isText {
        body(&rewriter, piece.start..<piece.end)
      } else {
        rewriter.copy(to: piece.end)
      }
      rewriter.skip(to: piece.end)
      pieces[i].start = start
      pieces[i].end = rewriter.count
    }
    rewriter.finish(&text)
  }
}

/// Cuts text into words.
protocol PreTokenizer: Sendable {
  /// The name in tokenizer files.
  static var kind: String { get }
  /// The most bytes that one byte can become.
  var growth: Int { get }
  /// Whether it has to know where pieces stand in the original text.
  var needsAlignments: Bool { get }
  /// Reads the settings of a tokenizer file.
  init(_ settings: PartSettings) throws(TokenizerError)
  /// Cuts the pieces of a text into smaller ones.
  func split(_ text: inout PreTokenizedText)
}

extension PreTokenizer {
  var growth: Int { 1 }
  var needsAlignments: Bool { false }
}

/// What becomes of the places where a pattern matches.
enum SplitBehavior: String, CaseIterable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"

  /// Cuts a range at the matches of a pattern.
  func cut(
    _ text: UnsafePointer<UInt8>, _ range: Range<Int>, by pattern: any TextPattern,
    isInverted: Bool, _ emit: (Int, Int) -> Void
  ) {
    // Begun and not yet given away.
    var pending: Segment?
    var wasMatch = false
    pattern.segments(of: text, range) { segment in
      let isMatch = segment.isMatch != isInverted
      switch self {
      case .removed:
        if !isMatch { emit(segment.start, segment.end) }
      case .isolated: emit(segment.start, segment.end)
      case .contiguous, .mergedWithPrevious:
        let joins = self == .contiguous ? isMatch == wasMatch : isMatch && !wasMatch
        if joins, pending != nil {
          pending?.end = segment.end
        } else {
          if let pending { emit(pending.start, pending.end) }
          pending = segment
        }
        wasMatch = isMatch
      case .mergedWithNext:
        // A match joins what follows unless that is a match that joined something itself.
        if let before = pending {
          if wasMatch, !isMatch {
            emit(before.start, segment.end)
            pending = nil
          } else {
            emit(before.start, before.end)
            pending = isMatch ? segment : nil
            if !isMatch { emit(segment.start, segment.end) }
          }
        } else if isMatch {
          pending = segment
        } else {
          emit(segment.start, segment.end)
        }
        wasMatch = isMatch
      }
    }
    if let pending { emit(pending.start, pending.end) }
  }
}
