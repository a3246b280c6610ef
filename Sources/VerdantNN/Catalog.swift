import VerdantBase

/// The interchangeable parts. A new one adds its line here.
public enum Catalog {
  /// Structures of linear maps.
  public static let linearMaps: [any LinearMap.Type] = [
    Dense.self, LowRank.self, LoRA.self,
  ]
  /// Token mixers.
  public static let mixers: [any TokenMixer.Type] = [SoftmaxAttention.self]
  /// Feed-forward networks.
  public static let feedForwards: [any FeedForward.Type] = [MLP.self, GatedMLP.self]

  /// Normalizations.
  public static let norms: [any Normalization.Type] = [
    LayerNormalization.self, RootMeanSquareNormalization.self, NoNormalization.self,
  ]

  /// Position encodings.
  public static let positions: [any PositionEncoding.Type] = [
    LearnedPositions.self, SinusoidalPositions.self, RotaryPositions.self,
    RelativePositions.self, NoPositions.self,
  ]

  static func positions(_ kind: EmbeddingConfig.Positions) -> any PositionEncoding.Type {
    guard let type = positions.first(where: { $0.kind == kind.kind }) else {
      trap("[embedding] no position encoding '\(kind.kind)' in the catalog")
    }
    return type
  }

  static func norm(_ kind: NormConfig.Kind) -> any Normalization.Type {
    guard let type = norms.first(where: { $0.kind == kind.kind }) else {
      trap("[norm] no normalization '\(kind.kind)' in the catalog")
    }
    return type
  }

  static func linearMap(_ kind: String, at path: PartPath) throws(ConfigError)
    -> any LinearMap.Type
  {
    try find(kind, linearMaps, "linear structure", at: path) { $0.kind }
  }

  static func mixer(_ kind: String, at path: PartPath) throws(ConfigError)
    -> any TokenMixer.Type
  {
    try find(kind, mixers, "token mixer", at: path) { $0.kind }
  }

  static func feedForward(_ kind: String, at path: PartPath) throws(ConfigError)
    -> any FeedForward.Type
  {
    try find(kind, feedForwards, "feed-forward network", at: path) { $0.kind }
  }

  private static func find<T>(
    _ kind: String, _ all: [T], _ what: String, at path: PartPath, _ name: (T) -> String
  ) throws(ConfigError) -> T {
    if let found = all.first(where: { name($0) == kind }) { return found }
    let known = all.map(name)
    throw ConfigError(
      .outOfRange,
      "unknown \(what) '\(escaped(kind))'",
      place: path.description,
      rule: "one of \(known.joined(separator: ", "))",
      advice: nearest(to: kind, in: known).map { "did you mean '\($0)'?" }
    )
  }
}
