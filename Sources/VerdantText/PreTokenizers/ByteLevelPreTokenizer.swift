/// Cuts into words as GPT-2 does and writes every byte as the character that stands for it.
struct ByteLevelPreTokenizer: PreTokenizer {
  static let kind = "ByteLevel"
  let growth = 2

  private let addsPrefixSpace: Bool
  private let usesPattern: Bool
  /// False where the model takes the bytes themselves.
  var writesCharacters = true

  init(_ settings: PartSettings) throws(TokenizerError) {
    addsPrefixSpace = try settings.bool("add_prefix_space") ?? true
    usesPattern = try settings.bool("use_regex") ?? true
  }

  func split(_ text: inout PreTokenizedText) {
    if addsPrefixSpace, text.pieces.contains(where: { lacksSpace($0, text.text) }) {
      let original = text.text
      text.rewrite { rewriter, range in
        if original.bytes[range.lowerBound] != 0x20 { rewriter.prepend([0x20]) }
        rewriter.copy(to: range.upperBound)
      }
    }
    if usesPattern { text.cut { WordPattern.gpt2.scan($0, $1, $2) } }
    if writesCharacters {
      let original = text.text
      text.rewrite { rewriter, range in
        for byte in original.bytes[range] { rewriter.putByteCharacter(byte) }
      }
    }
  }

  private func lacksSpace(_ piece: Piece, _ text: NormalizedText) -> Bool {
    piece.isText && text.bytes[piece.start] != 0x20
  }
}
