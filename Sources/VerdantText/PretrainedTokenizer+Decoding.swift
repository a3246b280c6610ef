internal import VerdantBase

extension PretrainedTokenizer {
  /// The text of ids, with special tokens left out.
  public func decode(_ ids: [Int32]) -> String { decode(ids, skipsSpecialTokens: true) }

  /// The text of ids; ids without a token are left out.
  public func decode(_ ids: [Int32], skipsSpecialTokens: Bool) -> String {
    let tokens = ids.compactMap { id -> [UInt8]? in
      guard let token = tokenBytes(id) else { return nil }
      return skipsSpecialTokens && added.isSpecial(token) ? nil : token
    }
    guard !tokens.isEmpty else { return "" }
    let parts =
      decoders.isEmpty
      ? Array(tokens.map { [$0] }.joined(separator: [[0x20]]))
      : decoders.reduce(tokens) { $1.decode($0) }
    return String(decoding: parts.joined(), as: UTF8.self)
  }

  /// The bytes of one token within a text; empty for special ones and ids without a token.
  ///
  /// What decoding changes at the start of a text or between tokens is not part of them:
  /// ``DecodingStream`` gives exactly the text of ``decode(_:)``, piece by piece.
  public func bytes(of id: Int32) -> [UInt8] {
    guard let token = tokenBytes(id), !added.isSpecial(token) else { return [] }
    if decoders.contains(where: { $0 is ByteLevelDecoder }) {
      return ByteAlphabet.bytes(of: token) ?? token
    }
    if decoders.contains(where: { $0 is ByteFallbackDecoder }),
      let byte = ByteFallbackDecoder.byte(of: token)
    {
      return [byte]
    }
    // Stands after another token, so that nothing is done as at the start of a text.
    let chain = decoders.filter { !($0 is StripDecoder) && !($0 is FuseDecoder) }
    guard !chain.isEmpty else { return token }
    return Array(chain.reduce([[], token]) { $1.decode($0) }.joined())
  }
}

/// Gives the text of ids one after the other, as far as it is certain.
public struct DecodingStream: Sendable {
  private let tokenizer: PretrainedTokenizer
  private let skipsSpecialTokens: Bool
  private var ids: [Int32] = []
  private var prefix = ""
  private var prefixCount = 0

  /// A stream that has seen nothing.
  public init(_ tokenizer: PretrainedTokenizer, skipsSpecialTokens: Bool = true) {
    self.tokenizer = tokenizer
    self.skipsSpecialTokens = skipsSpecialTokens
  }

  /// Adds an id and returns the text that is certain now; empty while a character is incomplete.
  public mutating func append(_ id: Int32) -> String {
    if prefix.isEmpty, !ids.isEmpty {
      let text = decoded(ids)
      if !text.hasSuffix("\u{FFFD}") {
        prefix = text
        prefixCount = ids.count
      }
    }
    ids.append(id)
    let text = decoded(ids)
    guard text.utf8.count > prefix.utf8.count, !text.hasSuffix("\u{FFFD}"),
      text.utf8.starts(with: prefix.utf8)
    else { return "" }
    let new = String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    let count = ids.count - prefixCount
    ids.removeFirst(prefixCount)
    prefix = decoded(ids)
    prefixCount = count
    return new
  }

  private func decoded(_ ids: [Int32]) -> String {
    tokenizer.decode(ids, skipsSpecialTokens: skipsSpecialTokens)
  }
}
