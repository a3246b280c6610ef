/// The cleaning of BERT: control characters, white space, spaces around Chinese characters, accents
/// and case.
struct BertNormalizer: Normalizer {
  static let kind = "BertNormalizer"
  let growth = 8

  private let cleans: Bool
  private let separatesChinese: Bool
  private let stripsAccents: Bool
  private let lowers: Bool

  init(_ settings: PartSettings) throws(TokenizerError) {
    cleans = try settings.bool("clean_text") ?? true
    separatesChinese = try settings.bool("handle_chinese_chars") ?? true
    lowers = try settings.bool("lowercase") ?? true
    stripsAccents = try settings.bool("strip_accents") ?? lowers
  }

  func apply(to text: inout NormalizedText) {
    if cleans { clean(&text) }
    if separatesChinese { separateChinese(&text) }
    if stripsAccents, text.bytes.contains(where: { $0 >= 0x80 }) {
      NormalForm(isCompatible: false, isComposed: false).apply(to: &text)
      stripNonspacing(&text)
    }
    if lowers { LowercaseNormalizer().apply(to: &text) }
  }

  private func clean(_ text: inout NormalizedText) {
    let properties = ScalarProperties.shared
    guard text.bytes.contains(where: { $0 < 0x20 || $0 >= 0x7F }) else { return }
    var rewriter = TextRewriter(text)
    var scanner = text.scalars()
    while let scalar = scanner.next() {
      switch scalar {
      case 0x20..<0x7F: rewriter.put(scalar)
      case 0x09, 0x0A, 0x0D: rewriter.put(0x20)
      case 0, 0xFFFD: rewriter.drop()
      default:
        let flags = properties[scalar]
        if flags.contains(.control) {
          rewriter.drop()
        } else {
          rewriter.put(flags.contains(.space) ? 0x20 : scalar)
        }
      }
    }
    rewriter.finish(&text)
  }

  private func separateChinese(_ text: inout NormalizedText) {
    guard text.bytes.contains(where: { $0 >= 0xE3 }) else { return }
    var rewriter = TextRewriter(text)
    var scanner = text.scalars()
    while let scalar = scanner.next() {
      if Self.isChinese(scalar) {
        rewriter.put(0x20)
        rewriter.insert(scalar)
        rewriter.insert(0x20)
      } else {
        rewriter.put(scalar)
      }
    }
    rewriter.finish(&text)
  }

  private func stripNonspacing(_ text: inout NormalizedText) {
    let properties = ScalarProperties.shared
    var rewriter = TextRewriter(text)
    var scanner = text.scalars()
    while let scalar = scanner.next() {
      if scalar >= 0x80, properties[scalar].contains(.nonspacing) {
        rewriter.drop()
      } else {
        rewriter.put(scalar)
      }
    }
    rewriter.finish(&text)
  }

  /// The ranges of the reference, with its gap before U+2B920.
  private static func isChinese(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
      0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
