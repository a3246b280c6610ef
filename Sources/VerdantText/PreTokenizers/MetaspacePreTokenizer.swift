/// Writes spaces as a visible character, puts one before the text and cuts before each.
struct MetaspacePreTokenizer: PreTokenizer {
  static let kind = "Metaspace"
  let growth = 4

  /// Where a space is put before a piece.
  enum Prepending: String, CaseIterable {
    case first
    case never
    case always
  }

  private let replacement: [UInt8]
  private let prepending: Prepending
  private let splits: Bool
  private let pattern: LiteralPattern

  var needsAlignments: Bool { prepending == .first }

  init(_ settings: PartSettings) throws(TokenizerError) {
    var bytes: [UInt8] = []
    appendScalar(try settings.scalar("replacement") ?? 0x2581, to: &bytes)
    replacement = bytes
    pattern = LiteralPattern(bytes)
    prepending = try settings.metaspacePrepending()
    splits = try settings.bool("split") ?? true
  }

  func split(_ text: inout PreTokenizedText) {
    let original = text.text
    text.rewrite { rewriter, range in
      let first = original.bytes[range.lowerBound]
      let hasPrefix = first == 0x20 || original.bytes[range].starts(with: replacement)
      let isWanted =
        prepending == .always
        || prepending == .first && original.alignment(range.lowerBound).lowerBound == 0
      if !hasPrefix, isWanted { rewriter.prepend(replacement) }
      for i in range where original.bytes[i] == 0x20 {
        rewriter.copy(to: i)
        rewriter.skip(to: i + 1)
        rewriter.insert(replacement)
      }
      rewriter.copy(to: range.upperBound)
    }
    guard splits else { return }
    text.cut {
      SplitBehavior.mergedWithNext.cut($0, $1, by: pattern, isInverted: false, $2)
    }
  }
}

extension PartSettings {
  /// The setting of a pre-tokenizer or decoder `Metaspace`, in its old or new form.
  func metaspacePrepending() throws(TokenizerError) -> MetaspacePreTokenizer.Prepending {
    let scheme = try choice("prepend_scheme", MetaspacePreTokenizer.Prepending.self)
    guard try bool("add_prefix_space") == false else { return scheme ?? .always }
    guard scheme == nil || scheme == .never else {
      throw error(
        .outOfRange, "'add_prefix_space' contradicts 'prepend_scheme'", "prepend_scheme",
        rule: "'never' where no space is added")
    }
    return .never
  }
}
