public import VerdantNN
public import VerdantText

/// The tokens that objectives need besides those of texts. What the tokenizer has under a usual name is
/// taken; the others stand behind its own tokens, in the same places for every objective but the
/// next token's: a model that learnt one can learn another.
public struct SpecialTokens: Sendable, Equatable {
  /// Stands for a hidden token.
  public let mask: Int32
  /// Stands in front of a sequence whose first vector is its own.
  public let start: Int32
  /// Stands behind a text.
  public let separator: Int32
  /// Fills the rest of a row.
  public let padding: Int32
  /// Sentinels of span corruption.
  public static let sentinelCount = 100
  /// The sentinel of the first span; each further one is one less.
  public let firstSentinel: Int32
  /// Token ids are below this.
  public let vocabulary: Int

  /// How a text names a sentinel, as T5 does.
  static func sentinelName(_ number: Int) -> String { "<extra_id_\(number)>" }

  /// The ids of a text in which sentinels have their names.
  func encode(_ text: String, _ tokenizer: any Tokenizer) -> [Int32] {
    let bytes = Array(text.utf8)
    var ids: [Int32] = []
    var plain: [UInt8] = []
    func flush() {
      plain.withUnsafeBytes { tokenizer.encode($0, into: &ids) }
      plain = []
    }
    var at = 0
    while at < bytes.count {
      guard let sentinel = Self.sentinel(in: bytes[at...]) else {
        plain.append(bytes[at])
        at += 1
        continue
      }
      flush()
      ids.append(firstSentinel - Int32(sentinel.number))
      at += sentinel.byteCount
    }
    flush()
    return ids
  }

  /// The sentinel that a text begins with the name of.
  private static func sentinel(in bytes: ArraySlice<UInt8>) -> (number: Int, byteCount: Int)? {
    let opening = Array("<extra_id_".utf8)
    guard bytes.starts(with: opening) else { return nil }
    let digits = bytes.dropFirst(opening.count).prefix { (48...57).contains($0) }
    guard let number = Int(String(decoding: digits, as: UTF8.self)), number < sentinelCount,
      digits.endIndex < bytes.endIndex, bytes[digits.endIndex] == UInt8(ascii: ">")
    else { return nil }
    return (number, digits.endIndex + 1 - bytes.startIndex)
  }

  /// The name of a sentinel; nil for other tokens.
  func sentinel(_ id: Int32) -> String? {
    let number = Int(firstSentinel) - Int(id)
    return (0..<Self.sentinelCount).contains(number) ? Self.sentinelName(number) : nil
  }

  /// The tokens that an objective needs.
  public init(_ tokenizer: any Tokenizer, _ objective: ModelConfig.Objective) {
    let own = Int32(tokenizer.vocabulary)
    func known(_ names: String...) -> Int32? {
      names.lazy.compactMap { tokenizer.id(of: $0) }.first
    }
    mask = known("[MASK]", "<mask>") ?? own
    start = known("[CLS]", "<s>") ?? own + 1
    separator = known("[SEP]", "</s>") ?? tokenizer.endOfDocument
    padding = known("[PAD]", "<pad>") ?? separator
    let last = Self.sentinelCount - 1
    if let first = known(Self.sentinelName(0)),
      known(Self.sentinelName(last)) == first - Int32(last)
    {
      firstSentinel = first
    } else {
      firstSentinel = own + 2 + Int32(last)
    }
    let needed: [Int32] =
      switch objective {
      case .causalLanguageModel: []
      case .maskedLanguageModel, .classification: [mask, start]
      case .spanCorruption: [mask, start, firstSentinel]
      }
    // Both places are taken when one is: the other has the same one in every model.
    let places = needed.contains { $0 >= own } ? max(own + 2, (needed.max() ?? 0) + 1) : own
    vocabulary = Int(places)
  }
}
