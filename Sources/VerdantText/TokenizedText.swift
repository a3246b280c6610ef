/// A text, or a pair of texts, as ids with what is known of each.
///
/// All lists have the same length.
public struct TokenizedText: Sendable, Equatable {
  /// The ids.
  public internal(set) var ids: [Int32] = []
  /// The place of each token in its text, counted in Unicode scalars; `0..<0` for tokens that a
  /// template added.
  public internal(set) var offsets: [Range<Int>] = []
  /// 0 for the first text, 1 for the second, or what the file's template says.
  public internal(set) var typeIDs: [Int32] = []
  /// The number of the word that a token belongs to; nil for tokens that a template added.
  public internal(set) var words: [Int32?] = []
  /// Whether a template or padding added the token.
  public internal(set) var isSpecial: [Bool] = []
  /// Whether a model should look at the token: false for padding.
  public internal(set) var isAttended: [Bool] = []

  /// A text without tokens.
  public init() {}

  /// The number of tokens.
  public var count: Int { ids.count }

  mutating func append(_ other: TokenizedText) {
    ids += other.ids
    offsets += other.offsets
    typeIDs += other.typeIDs
    words += other.words
    isSpecial += other.isSpecial
    isAttended += other.isAttended
  }

  /// Tokens that a template adds.
  init(special ids: [Int32], typeID: Int32, isAttended: Bool = true) {
    self.ids = ids
    offsets = ids.map { _ in 0..<0 }
    typeIDs = ids.map { _ in typeID }
    words = ids.map { _ in nil }
    isSpecial = ids.map { _ in true }
    self.isAttended = ids.map { _ in isAttended }
  }

  /// Keeps a range of the tokens.
  mutating func keep(_ range: Range<Int>) {
    ids = Array(ids[range])
    offsets = Array(offsets[range])
    typeIDs = Array(typeIDs[range])
    words = Array(words[range])
    isSpecial = Array(isSpecial[range])
    isAttended = Array(isAttended[range])
  }
}
