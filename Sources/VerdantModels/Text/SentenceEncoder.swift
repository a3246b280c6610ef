import VerdantBase
import VerdantCore
public import VerdantNN
public import VerdantText

/// Turns texts into vectors whose directions tell how alike texts are, as `sentence-transformers`
/// does (Reimers and Gurevych 2019).
public struct SentenceEncoder: Sendable {
  /// The model.
  public let model: Transformer
  /// The tokenizer.
  public let tokenizer: any Tokenizer
  /// How the vectors of tokens become one; of several the results stand one behind the other.
  public let pooling: [Pooling]
  /// True when vectors are divided by their length.
  public var normalizes: Bool
  /// Tokens of a text at most, special ones counted.
  public let maximumLength: Int
  /// True when texts are turned to lower case first.
  public let lowercases: Bool

  /// Numbers of a vector.
  public var width: Int { model.config.width * pooling.count }

  /// Loads a model folder: what its `modules.json` says, or without one the mean of the tokens.
  ///
  /// - Throws: As ``ModelFolder/init(_:)``, and ``ConfigError`` for modules that are not known or a
  ///   model without vectors of texts.
  public init(_ path: String) throws {
    let folder = try ModelFolder(path)
    let settings = try SentenceSettings(path)
    try self.init(folder, settings)
  }

  init(_ folder: ModelFolder, _ settings: SentenceSettings) throws(ConfigError) {
    let config = folder.model.config
    guard config.architecture != .encoderDecoder, config.input == .tokens else {
      throw ConfigError(
        .unsupported, "no vectors of texts in the architecture '\(config.architecture.rawValue)'",
        place: "architecture", rule: "an encoder, or a decoder")
    }
    model = folder.model
    tokenizer = folder.tokenizer
    pooling = settings.pooling
    normalizes = settings.normalizes
    lowercases = settings.lowercases
    maximumLength = min(config.maximumLength, settings.maximumLength ?? config.maximumLength)
  }

  /// The vectors of texts, in the order of the texts.
  ///
  /// - Parameter batch: Texts computed at once; those of similar length go together.
  public func embed(_ texts: [String], batch: Int = 32) -> [[Float]] {
    let rows = texts.map(tokens)
    // Longest first: memory that suffices for the first batch suffices for all.
    let order = rows.indices.sorted { (-rows[$0].count, $0) < (-rows[$1].count, $1) }
    var result = [[Float]](repeating: [], count: texts.count)
    for start in stride(from: 0, to: order.count, by: max(1, batch)) {
      let chosen = Array(order[start..<min(order.count, start + max(1, batch))])
      for (index, vector) in zip(chosen, vectors(chosen.map { rows[$0] })) {
        result[index] = vector
      }
    }
    return result
  }

  private func vectors(_ rows: [[Int32]]) -> [[Float]] {
    let length = rows.reduce(1) { max($0, $1.count) }
    let tokens = rows.flatMap { $0 + [Int32](repeating: 0, count: length - $0.count) }
    let lengths = Tensor(integers: rows.map { Int32($0.count) }, [rows.count])
    var context = Context(.inference)
    let hidden = model.hidden(
      ModelInput(Tensor(integers: tokens, [rows.count, length]), lengths: lengths), &context)
    let width = model.config.width
    let parts = pooling.map { $0(hidden, lengths: lengths).floats }
    return rows.indices.map { row in
      let vector = parts.flatMap { $0[row * width..<(row + 1) * width] }
      return normalizes ? normalized(vector) : vector
    }
  }

  /// A text's ids, with what the tokenizer adds.
  private func tokens(_ text: String) -> [Int32] {
    var scalars = Substring(text).unicodeScalars
    while let first = scalars.first, Self.isSpace(first) { scalars.removeFirst() }
    while let last = scalars.last, Self.isSpace(last) { scalars.removeLast() }
    let stripped = lowercases ? String(scalars).lowercased() : String(scalars)
    guard var pretrained = tokenizer as? PretrainedTokenizer else {
      return Array(tokenizer.encode(stripped).prefix(maximumLength))
    }
    pretrained.truncation = Truncation(maximumLength: maximumLength)
    pretrained.padding = nil
    return pretrained.tokenize(stripped).ids
  }

  // What Python strips from the ends of a text.
  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
  }
}

/// A vector divided by its length.
private func normalized(_ vector: [Float]) -> [Float] {
  let length = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
  return vector.map { Float(Double($0) / max(length, 1e-12)) }
}
