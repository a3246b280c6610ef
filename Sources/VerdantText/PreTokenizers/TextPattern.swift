/// A stretch of text that a pattern matches, or one between two matches.
struct Segment {
  var start: Int
  var end: Int
  var isMatch: Bool
}

/// Finds places in text.
protocol TextPattern: Sendable {
  /// The fewest bytes of a match, at least 1.
  var shortest: Int { get }
  /// Cuts a range of a text into matches and what lies between them, in order and without gaps.
  func segments(
    of text: UnsafePointer<UInt8>, _ range: Range<Int>, _ emit: (Segment) -> Void)
}

extension TextPattern {
  var shortest: Int { 1 }

  /// All segments of a text.
  func segments(of text: [UInt8]) -> [Segment] {
    var result: [Segment] = []
    text.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      segments(of: base, 0..<buffer.count) { result.append($0) }
    }
    return result
  }
}

/// A text itself.
struct LiteralPattern: TextPattern {
  private let literal: [UInt8]
  var shortest: Int { literal.count }

  /// A pattern of at least one byte.
  init(_ literal: [UInt8]) { self.literal = literal }

  func segments(
    of text: UnsafePointer<UInt8>, _ range: Range<Int>, _ emit: (Segment) -> Void
  ) {
    var last = range.lowerBound
    var i = range.lowerBound
    while i + literal.count <= range.upperBound {
      if text[i] == literal[0], isMatch(text, i) {
        if last < i { emit(Segment(start: last, end: i, isMatch: false)) }
        emit(Segment(start: i, end: i + literal.count, isMatch: true))
        i += literal.count
        last = i
      } else {
        i += 1
      }
    }
    if last < range.upperBound {
      emit(Segment(start: last, end: range.upperBound, isMatch: false))
    }
  }

  private func isMatch(_ text: UnsafePointer<UInt8>, _ start: Int) -> Bool {
    for j in 1..<max(1, literal.count) where text[start + j] != literal[j] { return false }
    return true
  }
}

/// A number of neighbouring scalars with a property.
struct RunPattern: TextPattern {
  /// What the scalars have.
  let flags: ScalarFlags
  /// The fewest and most scalars of a match.
  let count: ClosedRange<Int>
  /// Whether the scalars are those without the property.
  var isInverted = false
  /// Used instead of the property where it is there.
  var scalar: UInt32?

  var shortest: Int { count.lowerBound }

  func segments(
    of text: UnsafePointer<UInt8>, _ range: Range<Int>, _ emit: (Segment) -> Void
  ) {
    let properties = ScalarProperties.shared
    var last = range.lowerBound
    var i = range.lowerBound
    while i < range.upperBound {
      let start = i
      var found = 0
      while i < range.upperBound, found < count.upperBound {
        let (next, size) = decodeScalar(text, i)
        let isMember =
          scalar.map { $0 == next } ?? (!properties[next].isDisjoint(with: flags) != isInverted)
        guard isMember else { break }
        found += 1
        i += size
      }
      if found >= count.lowerBound {
        if last < start { emit(Segment(start: last, end: start, isMatch: false)) }
        emit(Segment(start: start, end: i, isMatch: true))
        last = i
      } else if found == 0 {
        i += decodeScalar(text, i).size
      }
    }
    if last < range.upperBound {
      emit(Segment(start: last, end: range.upperBound, isMatch: false))
    }
  }
}

/// `\w+|[^\w\s]+`: words, and runs of what is neither word nor white space.
struct WordOrSymbolPattern: TextPattern {
  func segments(
    of text: UnsafePointer<UInt8>, _ range: Range<Int>, _ emit: (Segment) -> Void
  ) {
    let properties = ScalarProperties.shared
    var i = range.lowerBound
    while i < range.upperBound {
      let start = i
      var (scalar, size) = decodeScalar(text, i)
      let wanted = properties[scalar].intersection([.word, .space])
      repeat {
        i += size
        guard i < range.upperBound else { break }
        (scalar, size) = decodeScalar(text, i)
      } while properties[scalar].intersection([.word, .space]) == wanted
      emit(Segment(start: start, end: i, isMatch: wanted != .space))
    }
  }
}
