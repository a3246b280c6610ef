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

  /// Makes a batch of rows.
  public init(_ rows: TokenRows) {
    let shape: Shape = [rows.count, rows.length]
    tokens = Tensor(integers: rows.tokens, shape)
    targets = Tensor(integers: rows.targets, shape)
    targetCount = rows.targetCount
  }
}

/// The numbers of a batch, row after row. They hold no tensor, so that another thread than the
/// one that computes can make them without taking from its memory.
public struct TokenRows: Sendable, Equatable {
  /// Tokens of a row.
  public let length: Int
  /// The tokens.
  public internal(set) var tokens: [Int32] = []
  /// What is to be predicted at the place of each token; negative ones do not count.
  public internal(set) var targets: [Int32] = []

  /// No row yet, of `length` tokens each, with room for `count`.
  public init(length: Int, capacity count: Int = 0) {
    self.length = length
    tokens.reserveCapacity(count * length)
    targets.reserveCapacity(count * length)
  }

  /// The rows.
  public var count: Int { length == 0 ? 0 : tokens.count / length }
  /// Targets that count.
  public var targetCount: Int { targets.reduce(0) { $0 + ($1 < 0 ? 0 : 1) } }

  /// Adds rows of the same length.
  public mutating func append(_ other: TokenRows) {
    require(other.length == length, "[rows] \(other.length) tokens added to rows of \(length)")
    tokens += other.tokens
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
