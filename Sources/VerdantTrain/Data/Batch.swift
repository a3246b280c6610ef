public import VerdantBase
public import VerdantCore

/// Sequences with the token that follows each of theirs.
public struct Batch: Sendable {
  /// Integers `[batch, length]`.
  public let tokens: Tensor
  /// Integers `[batch, length]`; negative ones do not count.
  public let targets: Tensor
  /// Targets that count.
  public let targetCount: Int

  /// Makes a batch.
  public init(tokens: Tensor, targets: Tensor, targetCount: Int) {
    self.tokens = tokens
    self.targets = targets
    self.targetCount = targetCount
  }
}

/// Gives the batch of any position, so that a run can start anywhere.
public protocol BatchSource: Sendable {
  /// The samples of an epoch.
  var sampleCount: Int { get }
  /// The batch that begins at a global sample number; samples of an epoch come once each.
  func batch(from sample: Int, count: Int) -> Batch
}

/// Windows of a token sequence in a new pseudo-random order each epoch.
public struct ShuffledWindows: BatchSource {
  private let stream: TokenStream
  private let length: Int
  private let random: RandomSource

  /// Cuts a sequence into windows of `length` tokens; the rest at the end is left out.
  ///
  /// - Throws: ``DataError`` when there is not even one window.
  public init(_ stream: TokenStream, length: Int, _ random: RandomSource, file: String? = nil)
    throws(DataError)
  {
    guard stream.ids.count > length else {
      throw DataError(
        .tooShort, "the data has \(stream.ids.count) tokens", file: file,
        rule: "one sequence needs \(length + 1)",
        advice: "give more text, or a smaller model.context")
    }
    self.stream = stream
    self.length = length
    self.random = random.stream("order of samples")
  }

  /// The windows.
  public var sampleCount: Int { (stream.ids.count - 1) / length }

  /// The batch that begins at a global sample number.
  public func batch(from sample: Int, count: Int) -> Batch {
    var tokens: [Int32] = []
    var targets: [Int32] = []
    tokens.reserveCapacity(count * length)
    targets.reserveCapacity(count * length)
    for index in sample..<sample + count {
      let epoch = index / sampleCount
      let order = Permutation(sampleCount, random.stream(epoch))
      let start = order[index % sampleCount] * length
      tokens += stream.ids[start..<start + length]
      targets += stream.ids[start + 1...start + length]
    }
    let shape: Shape = [count, length]
    return Batch(
      tokens: Tensor(integers: tokens, shape), targets: Tensor(integers: targets, shape),
      targetCount: targets.count)
  }
}
