public import VerdantNN
public import VerdantText

/// How texts become rows: `start text separator`, and for pairs `second separator` behind it.
public struct TextLayout: Sendable, Equatable {
  /// The token in front of every row; nil for none.
  public var start: Int32?
  /// The token behind every text.
  public var separator: Int32
  /// The token that fills the rest of a row.
  public var padding: Int32
  /// Tokens of a row at most; of pairs the longer text is cut first.
  public var maximumLength: Int

  /// Tokens that a row needs: the frame, and a token of each text.
  public static let shortestLength = 5

  /// A layout.
  public init(start: Int32? = nil, separator: Int32, padding: Int32, maximumLength: Int) {
    self.start = start
    self.separator = separator
    self.padding = padding
    self.maximumLength = maximumLength
  }

  /// The layout of a classifier: a start token where the first vector stands for the sequence.
  public init(_ tokenizer: any Tokenizer, pooling: Pooling, maximumLength: Int) {
    let special = SpecialTokens(tokenizer, .classification)
    self.init(
      start: pooling == .first ? special.start : nil, separator: special.separator,
      padding: special.padding, maximumLength: maximumLength)
  }

  /// The tokens of a row, and where its second text begins.
  public func row(_ text: [UInt8], _ second: [UInt8]? = nil, _ tokenizer: any Tokenizer) -> (
    tokens: [Int32], secondStart: Int
  ) {
    var first: [Int32] = []
    text.withUnsafeBytes { tokenizer.encode($0, into: &first) }
    var other: [Int32] = []
    second?.withUnsafeBytes { tokenizer.encode($0, into: &other) }
    let frame = (start == nil ? 0 : 1) + (second == nil ? 1 : 2)
    let room = maximumLength - frame
    if first.count + other.count > room {
      let firstRoom = max(room - other.count, room - room / 2)
      first = Array(first.prefix(firstRoom))
      other = Array(other.prefix(room - first.count))
    }
    var tokens = start.map { [$0] } ?? []
    tokens += first
    tokens.append(separator)
    let secondStart = tokens.count
    if second != nil {
      tokens += other
      tokens.append(separator)
    }
    return (tokens, secondStart)
  }
}
