public import VerdantBase
public import VerdantCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A trained number for each head and bucket of distances, added to the scores of attention in every
/// block of a stack (Raffel et al. 2020, section 2.1).
public struct RelativePositions: PositionEncoding {
  /// The name in configurations.
  public static let kind = "relative"

  /// `[buckets, heads]`.
  public var table: Parameter
  private let distance: Int

  /// Normal initial numbers with deviation 0.02.
  public init(
    _ config: EmbeddingConfig, width: Int, maximumLength: Int, _ make: inout Maker
  ) throws(ConfigError) {
    guard config.relativeBuckets % 2 == 0, config.relativeDistance > config.relativeBuckets / 2
    else {
      throw ConfigError(
        .inconsistent,
        "\(config.relativeBuckets) buckets for distances up to \(config.relativeDistance)",
        place: "embedding.relative_buckets",
        rule: "an even number, half of which is below relative_distance")
    }
    distance = config.relativeDistance
    table = make.parameter(
      "relativeBias", [config.relativeBuckets, config.relativeHeads], .normal(deviation: 0.02),
      .embedding)
  }

  /// Shows the table.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.parameter("relativeBias", &table)
  }

  /// The input: attention sees the distances.
  public func added(to x: Tensor, from start: Int) -> Tensor { x }

  /// The heads that the table has numbers for.
  public var biasHeads: Int? { table.value.shape[1] }

  /// `[heads, queries + keys - 1]`: for query i and key j number `j - i + queries - 1`.
  public func bias(queries: Int, keys: Int, isCausal: Bool) -> Tensor? {
    let buckets = (0..<queries + keys - 1).map { index in
      Int32(bucket(of: index - (keys - 1), isCausal: isCausal))
    }
    let indices = Tensor(integers: buckets, [buckets.count], on: table.value.backend)
    return gatherRows(table.value, indices).permuted(1, 0)
  }

  /// The bucket of the distance from a query to a key: near ones have their own, farther ones share
  /// them in steps that grow with the logarithm; what is beyond `relativeDistance` shares the last.
  func bucket(of offset: Int, isCausal: Bool) -> Int {
    let all = table.value.shape[0]
    let count = isCausal ? all : all / 2
    let first = !isCausal && offset > 0 ? count : 0
    let length = isCausal ? max(0, -offset) : abs(offset)
    let exact = count / 2
    guard length >= exact else { return first + length }
    // In single precision, as the models that are at hand were trained with.
    let steps =
      logf(Float(length) / Float(exact)) / Float(log(Double(distance) / Double(exact)))
      * Float(count - exact)
    return first + min(count - 1, exact + Int(steps))
  }
}
