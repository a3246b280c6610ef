/// Lower case, scalar by scalar and without regard to neighbours.
struct LowercaseNormalizer: Normalizer {
  static let kind = "Lowercase"
  let growth = 2

  private static let map: ScalarMap = {
    var reader = TableReader(LowercaseTable.mappings)
    return reader.mappings()
  }()

  init(_ settings: PartSettings) {}
  init() {}

  func apply(to text: inout NormalizedText) {
    let properties = ScalarProperties.shared
    var rewriter = TextRewriter(text)
    var scanner = text.scalars()
    while let scalar = scanner.next() {
      if scalar < 0x80 {
        rewriter.put(scalar &- 65 < 26 ? scalar | 0x20 : scalar)
      } else if properties[scalar].contains(.lowered), let parts = Self.map.find(scalar) {
        var isFirst = true
        for part in parts {
          if isFirst { rewriter.put(part) } else { rewriter.insert(part) }
          isFirst = false
        }
      } else {
        rewriter.put(scalar)
      }
    }
    rewriter.finish(&text)
  }
}
