/// Cuts at the matches of a pattern.
struct SplitPreTokenizer: PreTokenizer {
  static let kind = "Split"

  private let pattern: any TextPattern
  private let words: WordPattern?
  private let behavior: SplitBehavior
  private let isInverted: Bool

  init(_ settings: PartSettings) throws(TokenizerError) {
    pattern = try settings.pattern("pattern")
    guard let behavior = try settings.choice("behavior", SplitBehavior.self) else {
      throw settings.error(.missingKey, "'behavior' is missing", "behavior")
    }
    self.behavior = behavior
    isInverted = try settings.bool("invert") ?? false
    // The matches of a word pattern leave no gaps, and are the pieces themselves.
    let givesMatches = behavior == .isolated || behavior == .removed && isInverted
    words = givesMatches ? pattern as? WordPattern : nil
  }

  func split(_ text: inout PreTokenizedText) {
    if let words {
      text.cut { words.scan($0, $1, $2) }
    } else {
      text.cut {
        behavior.cut($0, $1, by: pattern, isInverted: isInverted, $2)
      }
    }
  }
}
