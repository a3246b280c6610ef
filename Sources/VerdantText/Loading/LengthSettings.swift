internal import VerdantBase

/// How long a text may become.
public struct Truncation: Sendable, Equatable {
  /// The side at which tokens are left out.
  public enum Side: String, Sendable, CaseIterable {
    /// The start.
    case left = "Left"
    /// The end.
    case right = "Right"
  }

  /// Which text of a pair becomes shorter.
  public enum Strategy: String, Sendable, CaseIterable {
    /// The longer one, then both.
    case longestFirst = "LongestFirst"
    /// The first.
    case onlyFirst = "OnlyFirst"
    /// The second.
    case onlySecond = "OnlySecond"
  }

  /// The most tokens, those of the template included.
  public var maximumLength: Int
  /// Which text becomes shorter.
  public var strategy = Strategy.longestFirst
  /// Where tokens are left out.
  public var side = Side.right

  /// Makes a limit.
  public init(
    maximumLength: Int, strategy: Strategy = .longestFirst, side: Side = .right
  ) {
    self.maximumLength = maximumLength
    self.strategy = strategy
    self.side = side
  }

  init(_ settings: PartSettings) throws(TokenizerError) {
    guard let length = try settings.integer("max_length", in: 0...Int(Int32.max)) else {
      throw settings.error(.missingKey, "'max_length' is missing", "max_length")
    }
    let stride = try settings.integer("stride", in: 0...Int(Int32.max)) ?? 0
    guard stride == 0 || stride < length else {
      throw settings.error(
        .outOfRange, "a stride of \(stride)", "stride", rule: "below 'max_length'")
    }
    maximumLength = length
    strategy = try settings.choice("strategy", Strategy.self) ?? .longestFirst
    side = try settings.choice("direction", Side.self) ?? .right
  }

  /// The lengths of one or two texts that have too many tokens together.
  func lengths(_ counts: [Int], limit: Int) -> [Int] {
    let excess = counts.reduce(0, +) - limit
    guard excess > 0 else { return counts }
    guard counts.count == 2 else {
      return strategy == .onlySecond ? counts : [max(0, counts[0] - excess)]
    }
    switch strategy {
    case .onlyFirst: return [max(0, counts[0] - excess), counts[1]]
    case .onlySecond: return [counts[0], max(0, counts[1] - excess)]
    case .longestFirst:
      var short = min(counts[0], counts[1])
      var long = short > limit ? short : max(short, limit - short)
      if short + long > limit {
        short = limit / 2
        long = short + limit % 2
      }
      return counts[0] > counts[1] ? [long, short] : [short, long]
    }
  }

  /// Leaves out what is too much of one text.
  func shorten(_ part: inout ProcessedPart, to length: Int) {
    guard length < part.text.count else { return }
    let range =
      side == .right ? 0..<length : part.text.count - length..<part.text.count
    part.text.keep(range)
    part.spaces = Array(part.spaces[range])
  }
}

/// How texts are filled up to a length.
public struct Padding: Sendable, Equatable {
  /// The length, or nil for no more than a multiple.
  public var length: Int?
  /// The length becomes a multiple of this.
  public var multiple: Int?
  /// Whether tokens are added at the end or the start.
  public var side = Truncation.Side.right
  /// The token that is added.
  public var id: Int32
  /// Its type.
  public var typeID: Int32

  /// Makes a rule.
  public init(
    length: Int?, multiple: Int? = nil, side: Truncation.Side = .right, id: Int32 = 0,
    typeID: Int32 = 0
  ) {
    self.length = length
    self.multiple = multiple
    self.side = side
    self.id = id
    self.typeID = typeID
  }

  /// No file fills texts up to more tokens.
  private static let longest = 1 << 24

  init(_ settings: PartSettings) throws(TokenizerError) {
    let strategy = try settings.value("strategy")
    if let object = strategy.objectValue {
      let inner = PartSettings(
        object: object, path: settings.place("strategy"), file: settings.file)
      length = try inner.integer("Fixed", in: 0...Self.longest)
      if length == nil { throw inner.error(.missingKey, "'Fixed' is missing", "Fixed") }
    } else if strategy.stringValue != "BatchLongest" {
      throw settings.error(
        .outOfRange, "a strategy that is not known", "strategy",
        rule: #""BatchLongest" or {"Fixed": length}"#)
    }
    multiple = try settings.integer("pad_to_multiple_of", in: 0...Self.longest)
    side = try settings.choice("direction", Truncation.Side.self) ?? .right
    id = Int32(try settings.integer("pad_id", in: 0...Int(Int32.max)) ?? 0)
    typeID = Int32(try settings.integer("pad_type_id", in: 0...Int(Int32.max)) ?? 0)
  }

  /// Fills a text up.
  func apply(to text: inout TokenizedText) {
    var target = length ?? text.count
    if let multiple, multiple > 0, target % multiple > 0 { target += multiple - target % multiple }
    guard target > text.count else { return }
    let filling = TokenizedText(
      special: Array(repeating: id, count: target - text.count), typeID: typeID,
      isAttended: false)
    if side == .right {
      text.append(filling)
    } else {
      var result = filling
      result.append(text)
      text = result
    }
  }
}
