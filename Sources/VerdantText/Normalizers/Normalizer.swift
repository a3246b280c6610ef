/// Changes text before it is cut into words.
protocol Normalizer: Sendable {
  /// The name in tokenizer files.
  static var kind: String { get }
  /// The most bytes that one byte can become.
  var growth: Int { get }
  /// Reads the settings of a tokenizer file.
  init(_ settings: PartSettings) throws(TokenizerError)
  /// Changes a text.
  func apply(to text: inout NormalizedText)
}

extension Normalizer {
  var growth: Int { 1 }
}
