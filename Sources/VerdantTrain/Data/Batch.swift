public import VerdantBase
public import VerdantCore
public import VerdantNN

/// What a model reads, with what it is to predict.
public struct Batch: Sendable {
  /// What it reads.
  public let input: ModelInput
  /// Integers `[batch, length]`, or of a classifier `[batch]`; negative ones do not count.
  public let targets: Tensor
  /// Targets that count.
  public let targetCount: Int

  /// Makes a batch.
  public init(_ input: ModelInput, targets: Tensor, targetCount: Int) {
    self.input = input
    self.targets = targets
    self.targetCount = targetCount
  }

  /// Makes a batch of token sequences.
  public init(tokens: Tensor, targets: Tensor, targetCount: Int) {
    self.init(ModelInput(tokens), targets: targets, targetCount: targetCount)
  }

  /// Makes a batch of rows.
  public init(_ rows: TokenRows) {
    let count = rows.count
    func integers(_ list: [Int32], _ shape: Shape) -> Tensor? {
      list.isEmpty ? nil : Tensor(integers: list, shape)
    }
    let shape: Shape = [count, rows.length]
    let targetShape: Shape =
      rows.isClassified ? [count] : [count, rows.targetLength]
    let tokens =
      rows.numbers.isEmpty
      ? Tensor(integers: rows.tokens, shape)
      : Tensor(rows.numbers, [count, rows.length, rows.numbers.count / (count * rows.length)])
    input = ModelInput(
      tokens, lengths: integers(rows.lengths, [count]),
      segments: integers(rows.segments, shape), decoder: integers(rows.decoder, targetShape))
    targets = Tensor(integers: rows.targets, targetShape)
    targetCount = rows.targetCount
  }

  /// Tokens or patches that exist, those of a decoder not counted.
  var tokenCount: Int {
    input.lengths?.integers.reduce(0) { $0 + Int($1) }
      ?? input.tokens.shape[0] * input.tokens.shape[1]
  }

  /// Bytes of its tensors.
  var byteCount: Int {
    [input.tokens, input.lengths, input.segments, input.decoder, targets]
      .compactMap { $0?.byteCount }.reduce(0, +)
  }

  /// The integers `[batch, length]` of token sequences.
  public var tokens: Tensor { input.tokens }
}

/// The numbers of a batch, row after row. They hold no tensor, so that another thread than the
/// one that computes can make them without taking from its memory.
public struct TokenRows: Sendable, Equatable {
  /// Tokens of a row, or patches.
  public let length: Int
  /// Targets of a row.
  public let targetLength: Int
  /// True when a row has one target, its class.
  public let isClassified: Bool
  /// The tokens; empty for images.
  public internal(set) var tokens: [Int32] = []
  /// The numbers of the patches of images; empty for tokens.
  public internal(set) var numbers: [Float] = []
  /// The tokens of each row that exist; empty when all do.
  public internal(set) var lengths: [Int32] = []
  /// The text of a pair that each token belongs to; empty when there is one.
  public internal(set) var segments: [Int32] = []
  /// What the decoder of an encoder–decoder reads, as long as the targets; empty for one stack.
  public internal(set) var decoder: [Int32] = []
  /// What is to be predicted: at the place of each token, at each place of the decoder, or the class
  /// of the row; negative ones do not count.
  public internal(set) var targets: [Int32] = []

  /// No row yet, of `length` tokens each, with room for `count`.
  ///
  /// - Parameter targetLength: Targets of a row; nil for one at each token.
  public init(length: Int, targetLength: Int? = nil, capacity count: Int = 0) {
    self.length = length
    self.targetLength = targetLength ?? length
    isClassified = false
    tokens.reserveCapacity(count * length)
    targets.reserveCapacity(count * self.targetLength)
  }

  /// No row yet, of `length` tokens or patches each, which have a class.
  public init(classifiedLength length: Int) {
    self.length = length
    targetLength = 1
    isClassified = true
  }

  /// The rows.
  public var count: Int { targetLength == 0 ? 0 : targets.count / targetLength }
  /// Targets that count.
  public var targetCount: Int { targets.reduce(0) { $0 + ($1 < 0 ? 0 : 1) } }

  /// Adds rows of the same form.
  public mutating func append(_ other: TokenRows) {
    require(
      other.length == length && other.targetLength == targetLength,
      "[rows] \(other.length) tokens added to rows of \(length)")
    tokens += other.tokens
    numbers += other.numbers
    lengths += other.lengths
    segments += other.segments
    decoder += other.decoder
    targets += other.targets
  }
}

/// Gives the batch of any position, so that a run can start anywhere.
public protocol BatchSource: Sendable {
  /// The samples of an epoch.
  var sampleCount: Int { get }
  /// The rows that begin at a global sample number; samples of an epoch come once each. The same
  /// numbers give the same rows, whenever and by whatever thread.
  ///
  /// - Throws: ``DataError`` when the data cannot be read any more.
  func rows(from sample: Int, count: Int) throws(DataError) -> TokenRows
}

extension BatchSource {
  /// The batch that begins at a global sample number.
  ///
  /// - Throws: ``DataError`` when the data cannot be read any more.
  public func batch(from sample: Int, count: Int) throws(DataError) -> Batch {
    Batch(try rows(from: sample, count: count))
  }
}
