public import VerdantBase
public import VerdantCore

/// How the vectors of a sequence become one.
public enum Pooling: String, KnobValue, CaseIterable {
  /// The first token's vector (Devlin et al. 2019).
  case first = "cls"
  /// The mean of the tokens that exist.
  case mean
  /// The largest of each component over the tokens that exist.
  case maximum = "max"
  /// The last existing token's vector: the one that has read all in a decoder.
  case last

  /// Pools sequences.
  ///
  /// - Parameters:
  ///   - x: `[batch, length, width]`.
  ///   - lengths: How many tokens of each sequence exist, integers `[batch]`; nil for all. A
  ///     sequence without tokens gives 0, or for `cls` and `last` the vector of its first place.
  /// - Returns: `[batch, width]` in f32.
  public func callAsFunction(_ x: Tensor, lengths: Tensor? = nil) -> Tensor {
    let (batch, length, width) = (x.shape[0], x.shape[1], x.shape[2])
    // Shapes alone have no numbers: every sequence counts as full.
    let known = lengths.map { $0.integers.map(Int.init) } ?? []
    let ends = known.count == batch ? known : [Int](repeating: length, count: batch)
    func rows(_ place: (Int) -> Int) -> Tensor {
      let indices = ends.enumerated().map { Int32($0.offset * length + place($0.element)) }
      return gatherRows(
        x.reshaped(to: [batch * length, width]), Tensor(integers: indices, [batch], on: x.backend))
    }
    func spread(_ value: (_ place: Int, _ end: Int) -> Float) -> Tensor {
      let values = ends.flatMap { end in (0..<length).map { value($0, end) } }
      return Tensor(values, [batch, length, 1], on: x.backend)
    }
    let shape: Shape = [batch, width]
    switch self {
    case .first: return rows { _ in 0 }
    case .last: return rows { max(0, $0 - 1) }
    case .mean:
      let shares = spread { $0 < $1 ? 1 / Float($1) : 0 }
      return (x * shares).sum(over: 1).reshaped(to: shape)
    case .maximum:
      // What does not exist is 0 first, so that its numbers cannot matter, then below all others.
      let exists = spread { $0 < $1 ? 1 : 0 }
      let penalty = spread { $0 < $1 ? 0 : -1e30 }
      let largest = (x * exists + penalty).maximum(over: 1).reshaped(to: shape)
      let hasTokens = Tensor(ends.map { $0 > 0 ? 1 : 0 }, [batch, 1], on: x.backend)
      return largest * hasTokens
    }
  }
}
