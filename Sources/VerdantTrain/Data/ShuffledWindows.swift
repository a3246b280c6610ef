public import VerdantBase

/// Windows of a token sequence in memory, in a new pseudo-random order each epoch.
public struct ShuffledWindows: BatchSource {
  private let stream: TokenStream
  private let length: Int
  private let order: SampleOrder

  /// Cuts a sequence into windows of `length` tokens; the rest at the end is left out.
  ///
  /// - Throws: ``DataError`` when there is not even one window.
  public init(_ stream: TokenStream, length: Int, _ random: RandomSource, file: String? = nil)
    throws(DataError)
  {
    let count = try SampleOrder.windowCount(of: stream.ids.count, length: length, file: file)
    self.stream = stream
    self.length = length
    order = SampleOrder(count, random)
  }

  /// The windows.
  public var sampleCount: Int { order.count }

  /// The rows that begin at a global sample number.
  public func rows(from sample: Int, count: Int) -> TokenRows {
    order.windows(from: sample, count: count, length: length) { $1 += stream.ids[$0] }
  }

  /// The batch that begins at a global sample number.
  public func batch(from sample: Int, count: Int) -> Batch {
    Batch(rows(from: sample, count: count))
  }
}

/// Windows of any token sequence, in a new pseudo-random order each epoch.
public struct TokenWindows: BatchSource {
  private let sequence: any TokenSequence
  private let length: Int
  private let order: SampleOrder

  /// Cuts a sequence into windows of `length` tokens; the rest at the end is left out.
  ///
  /// - Throws: ``DataError`` when there is not even one window.
  public init(
    _ sequence: any TokenSequence, length: Int, _ random: RandomSource, file: String? = nil
  ) throws(DataError) {
    let count = try SampleOrder.windowCount(of: sequence.count, length: length, file: file)
    self.sequence = sequence
    self.length = length
    order = SampleOrder(count, random)
  }

  /// The windows.
  public var sampleCount: Int { order.count }

  /// The rows that begin at a global sample number.
  ///
  /// - Throws: ``DataError`` when the tokens cannot be read any more.
  public func rows(from sample: Int, count: Int) throws(DataError) -> TokenRows {
    try order.windows(from: sample, count: count, length: length) {
      (range, list) throws(DataError) in
      try sequence.append(range, to: &list)
    }
  }
}
