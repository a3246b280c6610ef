/// The word patterns of byte-level models, as one scanner that needs no backtracking.
///
/// Alternatives are tried in the order of the regular expression. White space that a word does not
/// take leaves its last scalar to what follows (`\s+(?!\S)`).
struct WordPattern: TextPattern {
  /// Whether runs follow GPT-4: contractions in any case, one scalar before letters, line ends
  /// with symbols, digits in groups.
  let isModern: Bool
  /// The most digits of a group.
  let digits: Int

  static let gpt2 = WordPattern(isModern: false, digits: .max)
  static let llama3 = WordPattern(isModern: true, digits: 3)
  static let qwen2 = WordPattern(isModern: true, digits: 1)

  private static let asciiClasses: Block<UInt8> = {
    let classes = Block<UInt8>(repeating: symbol, count: 128)
    for byte in 0..<128 {
      let flags = ScalarProperties.shared[UInt32(byte)]
      classes.base[byte] =
        flags.contains(.letter)
        ? letter : flags.contains(.number) ? number : flags.contains(.space) ? space : symbol
    }
    return classes
  }()

  private static let letter: UInt8 = 0
  private static let number: UInt8 = 1
  private static let space: UInt8 = 2
  private static let symbol: UInt8 = 3

  func segments(
    of text: UnsafePointer<UInt8>, _ range: Range<Int>, _ emit: (Segment) -> Void
  ) {
    scan(text, range) { emit(Segment(start: $0, end: $1, isMatch: true)) }
  }

  /// Calls a closure with each word; words leave no gaps.
  @inline(__always)
  func scan(_ text: UnsafePointer<UInt8>, _ range: Range<Int>, _ emit: (Int, Int) -> Void) {
    let scanner = Scanner(
      text: text, end: range.upperBound, properties: .shared, classes: Self.asciiClasses)
    var i = range.lowerBound
    while i < range.upperBound {
      let next = isModern ? scanner.modern(i, digits: digits) : scanner.gpt2(i)
      emit(i, next)
      i = next
    }
  }

  private struct Scanner {
    let text: UnsafePointer<UInt8>
    let end: Int
    let properties: ScalarProperties
    let classes: Block<UInt8>

    @inline(__always)
    func kind(_ i: Int) -> (kind: UInt8, size: Int) {
      let byte = text[i]
      if byte < 0x80 { return (classes.base[Int(byte)], 1) }
      let (scalar, size) = decodeScalar(text, i)
      let flags = properties[scalar]
      if flags.contains(.letter) { return (letter, size) }
      if flags.contains(.number) { return (number, size) }
      return (flags.contains(.space) ? space : symbol, size)
    }

    /// The end of a run of one kind.
    @inline(__always)
    func run(_ wanted: UInt8, from start: Int) -> Int {
      var i = start
      while i < end {
        let (kind, size) = kind(i)
        guard kind == wanted else { break }
        i &+= size
      }
      return i
    }

    func gpt2(_ start: Int) -> Int {
      if text[start] == UInt8(ascii: "'"), let end = contraction(start, anyCase: false) {
        return end
      }
      var (first, size) = kind(start)
      if first == space, text[start] == 0x20, start &+ 1 < end {
        let (next, nextSize) = kind(start &+ 1)
        if next == space { return spaces(start) }
        (first, size) = (next, nextSize &+ 1)
      }
      return first == space ? spaces(start) : run(first, from: start &+ size)
    }

    func modern(_ start: Int, digits: Int) -> Int {
      if text[start] == UInt8(ascii: "'"), let end = contraction(start, anyCase: true) {
        return end
      }
      let (first, size) = kind(start)
      let after = start &+ size
      switch first {
      case letter: return run(letter, from: after)
      case number: return group(start, digits)
      default:
        let byte = text[start]
        let isLineEnd = byte == 0x0A || byte == 0x0D
        if after < end, !isLineEnd {
          let (next, nextSize) = kind(after)
          if next == letter { return run(letter, from: after &+ nextSize) }
          if byte == 0x20, next == symbol { return symbols(after) }
        }
        return first == symbol ? symbols(start) : lineEnds(start)
      }
    }

    /// A run of symbols with the line ends after it.
    private func symbols(_ start: Int) -> Int {
      var i = run(symbol, from: start)
      while i < end, text[i] == 0x0A || text[i] == 0x0D { i += 1 }
      return i
    }

    private func group(_ start: Int, _ digits: Int) -> Int {
      var i = start
      var count = 0
      while i < end, count < digits {
        let (kind, size) = kind(i)
        guard kind == number else { break }
        i += size
        count += 1
      }
      return i
    }

    /// White space up to its last line end, or as in `spaces`.
    private func lineEnds(_ start: Int) -> Int {
      var i = start
      var last: Int?
      while i < end {
        let (kind, size) = kind(i)
        guard kind == space else { break }
        if text[i] == 0x0A || text[i] == 0x0D { last = i + 1 }
        i += size
      }
      return last ?? withoutLast(start, i)
    }

    /// A run of white space, without its last scalar when something follows and it is not the only
    /// one.
    private func spaces(_ start: Int) -> Int { withoutLast(start, run(space, from: start)) }

    private func withoutLast(_ start: Int, _ runEnd: Int) -> Int {
      guard runEnd < end else { return runEnd }
      var last = runEnd - 1
      while last > start, text[last] & 0xC0 == 0x80 { last -= 1 }
      return last > start ? last : runEnd
    }

    /// The end of an English contraction that begins with an apostrophe.
    private func contraction(_ start: Int, anyCase: Bool) -> Int? {
      let next = start + 1
      guard next < end else { return nil }
      // The long s folds to s.
      if anyCase, text[next] == 0xC5, next + 1 < end, text[next + 1] == 0xBF { return next + 2 }
      let fold: UInt8 = anyCase ? 0x20 : 0
      switch text[next] | fold {
      case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
        return next + 1
      case UInt8(ascii: "r"), UInt8(ascii: "v"):
        return next + 1 < end && text[next + 1] | fold == UInt8(ascii: "e") ? next + 2 : nil
      case UInt8(ascii: "l"):
        return next + 1 < end && text[next + 1] | fold == UInt8(ascii: "l") ? next + 2 : nil
      default: return nil
      }
    }
  }
}
