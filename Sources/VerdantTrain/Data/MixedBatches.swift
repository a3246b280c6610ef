public import VerdantBase

/// Samples of several sources in fixed shares.
///
/// The samples come in blocks. Each block has the same number of each source, in a pseudo-random
/// order of its own; so the shares are exact after every block, and the sample of any number is
/// found without those before it. Each source is passed through in its own order, epoch by epoch.
public struct MixedBatches: BatchSource {
  private let sources: [any BatchSource]
  private let random: RandomSource
  /// Samples of each source in a block.
  public let blockCounts: [Int]
  private let starts: [Int]
  private let blockCount: Int

  /// Blocks are as small as the weights allow, and no larger than this.
  private static let largestBlock = 1 << 16

  /// Mixes sources.
  ///
  /// - Parameters:
  ///   - sources: At least one; their rows have the same length.
  ///   - weights: A positive share of each, in any unit.
  /// - Throws: ``DataError`` when a weight is no positive number.
  public init(_ sources: [any BatchSource], weights: [Double], _ random: RandomSource)
    throws(DataError)
  {
    require(
      !sources.isEmpty && sources.count == weights.count,
      "[mixture] \(sources.count) sources, \(weights.count) weights")
    let total = weights.reduce(0, +)
    guard weights.allSatisfy({ $0 > 0 && $0.isFinite }), total.isFinite,
      sources.count <= Self.largestBlock
    else {
      throw DataError(
        .unsupported, "the sources have the weights \(weights)",
        rule: "weights are positive numbers, of at most \(Self.largestBlock) sources")
    }
    self.sources = sources
    self.random = random.stream("mixture")
    let counts = Self.counts(weights.map { $0 / total })
    blockCounts = counts
    starts = counts.indices.map { counts[..<$0].reduce(0, +) }
    blockCount = counts.reduce(0, +)
  }

  /// The samples of all sources together.
  public var sampleCount: Int { sources.reduce(0) { $0 + $1.sampleCount } }

  /// The source of a global sample number, and the number of the sample there.
  ///
  /// - Complexity: O(log of the sources).
  public subscript(number: Int) -> (source: Int, sample: Int) {
    let block = number / blockCount
    let place = Permutation(blockCount, random.stream(block))[number % blockCount]
    var low = 0
    var high = starts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= place { low = middle } else { high = middle }
    }
    return (low, block * blockCounts[low] + place - starts[low])
  }

  /// The rows that begin at a global sample number.
  ///
  /// - Throws: ``DataError`` of a source.
  public func rows(from sample: Int, count: Int) throws(DataError) -> TokenRows {
    var rows: TokenRows?
    for number in sample..<sample + count {
      let place = self[number]
      let one = try sources[place.source].rows(from: place.sample, count: 1)
      if rows == nil { rows = one } else { rows?.append(one) }
    }
    return rows ?? TokenRows(length: 0)
  }

  /// Samples of each source in a block: the smallest block with these shares, else the largest one
  /// with the nearest shares, each source at least once.
  private static func counts(_ shares: [Double]) -> [Int] {
    for size in shares.count..<max(shares.count, 4097) {
      let exact = shares.map { $0 * Double(size) }
      let isWhole = exact.allSatisfy {
        $0 > 0.5 && abs($0 - $0.rounded()) < 1e-9 * Double(size)
      }
      if isWhole { return exact.map { Int($0.rounded()) } }
    }
    let room = Double(largestBlock - shares.count)
    var counts = shares.map { 1 + Int($0 * room) }
    // The largest remainders get what rounding left over.
    let order = shares.indices.sorted {
      let left = (shares[$0] * room).truncatingRemainder(dividingBy: 1)
      let right = (shares[$1] * room).truncatingRemainder(dividingBy: 1)
      return left == right ? $0 < $1 : left > right
    }
    for index in order.prefix(max(0, largestBlock - counts.reduce(0, +))) { counts[index] += 1 }
    return counts
  }
}
