public import VerdantBase
import VerdantCore
import VerdantNN
import VerdantText

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Gives texts their classes.
public struct TextClassifier: Sendable {
  /// A text, or a pair of them.
  public struct Input: Sendable {
    /// The text.
    public let text: [UInt8]
    /// The second text of a pair.
    public let second: [UInt8]?

    /// Makes an input.
    public init(_ text: some Sequence<UInt8>, second: (some Sequence<UInt8>)? = [UInt8]?.none) {
      self.text = Array(text)
      self.second = second.map { Array($0) }
    }
  }

  /// The names of the classes, by number.
  public let labels: [String]
  /// True when the model tells two texts apart.
  public let readsPairs: Bool
  /// True when it was trained on pairs: a single text then has an empty second one.
  public let needsPairs: Bool
  private let folder: ModelFolder
  private let layout: TextLayout

  /// Takes the model of a folder.
  ///
  /// - Throws: ``ConfigError`` when it is no classifier of texts.
  public init(_ folder: ModelFolder) throws(ConfigError) {
    let config = folder.model.config
    guard let labels = folder.labels, let classification = config.classification else {
      throw ConfigError(
        .unsupported, "a model with the objective '\(config.objective.rawValue)' has no classes",
        place: "objective", rule: "a classifier of texts")
    }
    guard config.input == .tokens else {
      throw ConfigError(
        .unsupported, "a classifier of images", place: "input", rule: "a classifier of texts")
    }
    guard config.maximumLength >= TextLayout.shortestLength else {
      throw ConfigError(
        .unsupported, "a model of \(config.maximumLength) tokens", place: "maximum_length",
        rule: "a row needs \(TextLayout.shortestLength)")
    }
    self.labels = labels
    self.folder = folder
    readsPairs = config.embedding.segments > 0
    needsPairs = folder.wasTrainedOnPairs
    layout = TextLayout(
      folder.tokenizer, pooling: classification.pooling, maximumLength: config.maximumLength)
  }

  /// The probability of each class for each input, in the order of the inputs.
  ///
  /// - Parameter batch: Inputs computed at once; those of similar length go together.
  public func probabilities(_ inputs: [Input], batch: Int = 32) -> [[Double]] {
    let rows = inputs.map(row)
    let order = rows.indices.sorted { (rows[$0].tokens.count, $0) < (rows[$1].tokens.count, $1) }
    var result = [[Double]](repeating: [], count: rows.count)
    var context = Context(.inference)
    for start in stride(from: 0, to: order.count, by: max(1, batch)) {
      let chosen = order[start..<min(order.count, start + max(1, batch))]
      let length = chosen.reduce(0) { max($0, rows[$1].tokens.count) }
      var (tokens, segments): ([Int32], [Int32]) = ([], [])
      for index in chosen {
        let row = rows[index]
        let unused = length - row.tokens.count
        tokens += row.tokens + [Int32](repeating: layout.padding, count: unused)
        segments += row.segments + [Int32](repeating: 0, count: unused)
      }
      let shape: Shape = [chosen.count, length]
      let input = ModelInput(
        Tensor(integers: tokens, shape),
        lengths: Tensor(
          integers: chosen.map { Int32(rows[$0].tokens.count) }, [chosen.count]),
        segments: readsPairs ? Tensor(integers: segments, shape) : nil)
      let logits = folder.model(input, &context).doubles
      for (place, index) in chosen.enumerated() {
        result[index] = softmax(logits[place * labels.count..<(place + 1) * labels.count])
      }
    }
    return result
  }
}

extension TextClassifier {
  /// The tokens of an input and the text that each belongs to: by the tokenizer's own template where
  /// it has one.
  private func row(_ input: Input) -> (tokens: [Int32], segments: [Int32]) {
    guard var pretrained = folder.tokenizer as? PretrainedTokenizer else {
      let row = layout.row(input.text, input.second, folder.tokenizer)
      return (row.tokens, row.tokens.indices.map { $0 >= row.secondStart ? 1 : 0 })
    }
    pretrained.truncation = Truncation(maximumLength: layout.maximumLength)
    pretrained.padding = nil
    let text = pretrained.tokenize(
      String(decoding: input.text, as: UTF8.self),
      and: input.second.map { String(decoding: $0, as: UTF8.self) })
    let most = Int32(folder.model.config.embedding.segments - 1)
    return (text.ids, text.typeIDs.map { max(0, min($0, most)) })
  }
}

private func softmax(_ logits: ArraySlice<Double>) -> [Double] {
  let top = logits.max() ?? 0
  let weights = logits.map { exp($0 - top) }
  let sum = weights.reduce(0, +)
  return weights.map { $0 / sum }
}
