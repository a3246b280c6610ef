public import VerdantBase
import VerdantCore
public import VerdantNN

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The quality of a language model on a text, in non-overlapping windows.
public struct Evaluation: Sendable, Equatable {
  /// Mean loss for each predicted token, of a classifier for each sequence, in nats.
  public let loss: Double
  /// Tokens predicted, or sequences classified.
  public let tokenCount: Int
  /// Bytes of the text, separators between documents not counted; 0 where not every token is
  /// predicted.
  public let byteCount: Int
  /// Seconds it took.
  public let seconds: Double
  /// The share of the sequences that a classifier gives their class; nil for language models.
  public var accuracy: Double?

  /// e to the loss.
  public var perplexity: Double { exp(loss) }
  /// Nats of all predictions over `ln 2 ·` bytes.
  public var bitsPerByte: Double {
    byteCount == 0 ? .nan : loss * Double(tokenCount) / (M_LN2 * Double(byteCount))
  }

  /// Evaluates a model.
  ///
  /// The last window is padded; a token is predicted from the earlier ones of its window.
  ///
  /// - Parameters:
  ///   - stream: The text; at least two tokens.
  ///   - batch: Windows evaluated at once.
  ///   - limit: Windows evaluated at most; nil for all.
  /// - Throws: ``DataError`` when there is nothing to predict.
  public init(
    _ model: Transformer, _ stream: any TokenSequence, batch: Int, limit: Int? = nil
  ) throws(DataError) {
    self = try Self(model, stream, batch: batch, limit: limit) { false }.unstopped
  }

  /// Evaluates a model, as ``init(_:_:batch:limit:)``; nil when `isStopped` says so before a batch.
  public init?(
    _ model: Transformer, _ stream: any TokenSequence, batch: Int, limit: Int? = nil,
    unless isStopped: () -> Bool
  ) throws(DataError) {
    let length = model.config.maximumLength
    guard stream.count >= 2 else {
      throw DataError(
        .tooShort, "the data has \(stream.count) tokens", rule: "two at least")
    }
    let started = monotonicSeconds()
    let all = (stream.count - 1 + length - 1) / length
    let windows = max(1, min(all, limit ?? all))
    var nats = 0.0
    var counted = 0
    var byteSum = 0
    var context = Context(.inference)
    for first in stride(from: 0, to: windows, by: max(1, batch)) {
      if isStopped() { return nil }
      let rows = min(max(1, batch), windows - first)
      var tokens = [Int32](repeating: 0, count: rows * length)
      var targets = [Int32](repeating: -1, count: rows * length)
      var valid = 0
      for row in 0..<rows {
        let start = (first + row) * length
        let found = min(length, stream.count - 1 - start)
        var ids: [Int32] = []
        try stream.append(start..<start + found + 1, to: &ids)
        for place in 0..<found {
          tokens[row * length + place] = ids[place]
          targets[row * length + place] = ids[place + 1]
        }
        valid += found
        byteSum += ids.dropFirst().reduce(0) { $0 + ($1 < 256 ? 1 : 0) }
      }
      let shape: Shape = [rows, length]
      let loss = model.loss(
        Tensor(integers: tokens, shape), targets: Tensor(integers: targets, shape), &context)
      nats += loss.scalar * Double(valid)
      counted += valid
    }
    loss = nats / Double(counted)
    tokenCount = counted
    // A partial evaluation covers its share of the bytes.
    let areBytes = stream.byteCount + stream.documentCount == stream.count
    let share = Double(counted) / Double(stream.count - 1)
    byteCount =
      counted == stream.count - 1
      ? stream.byteCount
      : areBytes ? byteSum : Int((share * Double(stream.byteCount)).rounded())
    seconds = monotonicSeconds() - started
  }
}

extension Evaluation? {
  /// The evaluation, where nothing could stop it.
  var unstopped: Evaluation {
    guard let self else { trap("[evaluation] stopped, though nobody asked for that") }
    return self
  }
}

/// Seconds of a clock that never jumps.
public func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
