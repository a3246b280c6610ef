/// The normal form NFC.
struct NFCNormalizer: Normalizer {
  static let kind = "NFC"
  let growth = 3
  init(_ settings: PartSettings) {}
  func apply(to text: inout NormalizedText) {
    NormalForm(isCompatible: false, isComposed: true).apply(to: &text)
  }
}

/// The normal form NFD.
struct NFDNormalizer: Normalizer {
  static let kind = "NFD"
  let growth = 4
  init(_ settings: PartSettings) {}
  func apply(to text: inout NormalizedText) {
    NormalForm(isCompatible: false, isComposed: false).apply(to: &text)
  }
}

/// The normal form NFKC.
struct NFKCNormalizer: Normalizer {
  static let kind = "NFKC"
  let growth = 11
  init(_ settings: PartSettings) {}
  func apply(to text: inout NormalizedText) {
    NormalForm(isCompatible: true, isComposed: true).apply(to: &text)
  }
}

/// The normal form NFKD.
struct NFKDNormalizer: Normalizer {
  static let kind = "NFKD"
  let growth = 11
  init(_ settings: PartSettings) {}
  func apply(to text: inout NormalizedText) {
    NormalForm(isCompatible: true, isComposed: false).apply(to: &text)
  }
}
