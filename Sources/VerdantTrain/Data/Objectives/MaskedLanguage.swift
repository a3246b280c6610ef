public import VerdantBase

/// Masked language modelling (Devlin et al. 2019, section 3.1): some tokens of a row are chosen as
/// targets; of those most become the mask, some another token, and some stay.
public struct MaskedLanguage: Sendable, Equatable {
  /// The share of the tokens that are chosen.
  public var rate = 0.15
  /// The share of the chosen ones that become the mask.
  public var maskShare = 0.8
  /// The share of the chosen ones that become a random token.
  public var randomShare = 0.1
  /// The token that stands for a hidden one.
  public var mask: Int32
  /// The tokens that random ones are drawn from.
  public var ordinary: Range<Int32>
  /// Tokens that are never chosen, such as separators and padding.
  public var special: Set<Int32>

  /// The objective with the shares of the paper.
  public init(mask: Int32, ordinary: Range<Int32>, special: Set<Int32> = []) {
    self.mask = mask
    self.ordinary = ordinary
    self.special = special
  }

  /// The tokens to read and those to predict in their places, -1 where none is.
  ///
  /// The nearest whole number of tokens to the share is chosen, at least one where one may be.
  func apply(_ tokens: ArraySlice<Int32>, _ random: RandomSource) -> (
    tokens: [Int32], targets: [Int32]
  ) {
    var read = Array(tokens)
    var targets = [Int32](repeating: -1, count: read.count)
    let candidates = read.indices.filter { !special.contains(read[$0]) }
    guard !candidates.isEmpty else { return (read, targets) }
    let wanted = Int((rate * Double(candidates.count)).rounded())
    let order = Permutation(candidates.count, random.stream("places"))
    let kinds = random.stream("kinds")
    let others = random.stream("tokens")
    for choice in 0..<min(candidates.count, max(1, wanted)) {
      let place = candidates[order[choice]]
      targets[place] = read[place]
      let kind = kinds.uniform(at: UInt64(choice))
      if kind < maskShare {
        read[place] = mask
      } else if kind < maskShare + randomShare, !ordinary.isEmpty {
        let drawn = others.uniform(at: UInt64(choice)) * Double(ordinary.count)
        read[place] = ordinary.lowerBound + Int32(drawn)
      }
    }
    return (read, targets)
  }
}

/// The rows of a source for masked language modelling; a sample is masked anew each epoch, by the
/// seed and its global number alone.
public struct MaskedRows: BatchSource {
  private let source: any BatchSource
  private let objective: MaskedLanguage
  private let random: RandomSource

  /// Decorates a source, whose own targets are not used.
  public init(_ source: any BatchSource, _ objective: MaskedLanguage, _ random: RandomSource) {
    self.source = source
    self.objective = objective
    self.random = random.stream("masked language")
  }

  /// The samples of an epoch.
  public var sampleCount: Int { source.sampleCount }

  /// The rows that begin at a global sample number; targets stand at the places of their tokens.
  ///
  /// - Throws: ``DataError`` of the source.
  public func rows(from sample: Int, count: Int) throws(DataError) -> TokenRows {
    let plain = try source.rows(from: sample, count: count)
    var rows = TokenRows(length: plain.length, capacity: count)
    for row in 0..<plain.count {
      let tokens = plain.tokens[row * plain.length..<(row + 1) * plain.length]
      let masked = objective.apply(tokens, random.stream(sample + row))
      rows.tokens += masked.tokens
      rows.targets += masked.targets
    }
    return rows
  }
}
