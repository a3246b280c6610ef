public import VerdantBase

/// Numbers samples through all epochs: each epoch has every sample once, in its own order.
public struct SampleOrder: Sendable {
  /// The samples of an epoch.
  public let count: Int
  private let random: RandomSource

  /// The order that a random stream gives.
  public init(_ count: Int, _ random: RandomSource) {
    require(count > 0, "[order] \(count) samples")
    self.count = count
    self.random = random.stream("order of samples")
  }

  /// The sample with a global number, in constant time.
  public subscript(number: Int) -> Int {
    Permutation(count, random.stream(number / count))[number % count]
  }

  /// Windows of `length` tokens as rows, each token with the one that follows it.
  ///
  /// - Parameter append: Adds a range of the tokens to a list.
  func windows<Failure: Error>(
    from sample: Int, count: Int, length: Int,
    _ append: (Range<Int>, inout [Int32]) throws(Failure) -> Void
  ) throws(Failure) -> TokenRows {
    var rows = TokenRows(length: length, capacity: count)
    for number in sample..<sample + count {
      let start = self[number] * length
      try append(start..<start + length, &rows.tokens)
      try append(start + 1..<start + length + 1, &rows.targets)
    }
    return rows
  }

  /// The windows of `length` tokens in a sequence.
  ///
  /// - Throws: ``DataError`` when there is not even one.
  static func windowCount(of tokens: Int, length: Int, file: String?) throws(DataError) -> Int {
    guard tokens > length else {
      throw DataError(
        .tooShort, "the data has \(tokens) tokens", file: file,
        rule: "one sequence needs \(length + 1)",
        advice: "give more text, or a smaller model.context")
    }
    return (tokens - 1) / length
  }
}
