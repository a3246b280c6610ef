/// Removes combining marks.
struct StripAccentsNormalizer: Normalizer {
  static let kind = "StripAccents"
  init(_ settings: PartSettings) {}

  func apply(to text: inout NormalizedText) {
    let properties = ScalarProperties.shared
    var rewriter = TextRewriter(text)
    var scanner = text.scalars()
    while let scalar = scanner.next() {
      if properties[scalar].contains(.combining) { rewriter.drop() } else { rewriter.put(scalar) }
    }
    rewriter.finish(&text)
  }
}

/// Removes white space at the ends.
struct StripNormalizer: Normalizer {
  static let kind = "Strip"

  private let left: Bool
  private let right: Bool

  init(_ settings: PartSettings) throws(TokenizerError) {
    left = try settings.bool("strip_left") ?? true
    right = try settings.bool("strip_right") ?? true
  }

  func apply(to text: inout NormalizedText) {
    let properties = ScalarProperties.shared
    var scanner = text.scalars()
    var first: Int?
    var end = 0
    var start = 0
    while let scalar = scanner.next() {
      if !properties[scalar].contains(.space) {
        if first == nil { first = start }
        end = scanner.position
      }
      start = scanner.position
    }
    let from = left ? first ?? text.bytes.count : 0
    let to = right ? max(from, end) : text.bytes.count
    guard from > 0 || to < text.bytes.count else { return }
    var rewriter = TextRewriter(text)
    rewriter.skip(to: from)
    rewriter.copy(to: to)
    rewriter.finish(&text)
  }
}

/// The cleaning of neural machine translation: control characters and rare spaces.
struct NmtNormalizer: Normalizer {
  static let kind = "Nmt"
  init(_ settings: PartSettings) {}

  func apply(to text: inout NormalizedText) {
    var rewriter = TextRewriter(text)
    var scanner = text.scalars()
    while let scalar = scanner.next() {
      switch scalar {
      case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: rewriter.drop()
      case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
        rewriter.put(0x20)
      default: rewriter.put(scalar)
      }
    }
    rewriter.finish(&text)
  }
}
