public import VerdantBase
public import VerdantCore

/// Builds parts: like a current directory for construction, it knows the path, the random stream
/// of the path and the structure that the configuration asks for there.
public struct Maker: Sendable {
  /// Where the part is built.
  public private(set) var path = PartPath()
  /// Where the parameters live.
  public let backend: any Backend
  private let random: RandomSource
  private let structures: [StructureRule]
  /// Factor for the initial weights of maps that write into the residual stream:
  /// `1 / sqrt(2 · blocks)` (GPT-2).
  public var residualGain: Double

  /// Makes a maker at the model's root.
  public init(
    random: RandomSource,
    structures: [StructureRule] = [],
    residualGain: Double = 1,
    on backend: any Backend = CPUBackend.shared
  ) {
    self.random = random
    self.structures = structures
    self.residualGain = residualGain
    self.backend = backend
  }

  /// The random stream of the present path: what it gives depends on the seed and the path alone.
  public var stream: RandomSource { random.stream(path.description) }

  /// Builds something under a name inside the present path.
  public mutating func inside<T, E: Error>(
    _ name: String, _ build: (inout Maker) throws(E) -> T
  ) throws(E) -> T {
    path.components.append(Substring(name))
    defer { path.components.removeLast() }
    return try build(&self)
  }

  /// A parameter with its initial value.
  public mutating func parameter(
    _ name: String, _ shape: Shape, _ initial: Initializer, _ role: Parameter.Role
  ) -> Parameter {
    inside(name) { maker in
      Parameter(initial.tensor(shape, maker.stream, on: maker.backend), role)
    }
  }

  /// A linear map of the structure that the configuration gives to this path.
  ///
  /// - Parameter gain: Multiplies the initial weights.
  public mutating func linear(
    _ name: String, _ input: Int, _ output: Int, bias: Bool = true, gain: Double = 1
  ) throws(ConfigError) -> any LinearMap {
    try inside(name) { maker throws(ConfigError) in
      let size = LinearSize(input: input, output: output, hasBias: bias, gain: gain)
      let rule = maker.structures.first { maker.path.matches($0.match) }
      let spec = rule?.structure ?? Spec(Dense.kind)
      let type = try Catalog.linearMap(spec.kind, at: maker.path)
      return try maker.make(type, spec, size)
    }
  }

  private mutating func make<L: LinearMap>(_ type: L.Type, _ spec: Spec, _ size: LinearSize)
    throws(ConfigError) -> any LinearMap
  {
    try L(spec.options(L.Options.self, at: path), size, &self)
  }

  /// A token mixer.
  public mutating func mixer(_ name: String, _ spec: Spec, _ size: MixerSize)
    throws(ConfigError) -> any TokenMixer
  {
    try inside(name) { maker throws(ConfigError) in
      try maker.make(Catalog.mixer(spec.kind, at: maker.path), spec, size)
    }
  }

  private mutating func make<T: TokenMixer>(_ type: T.Type, _ spec: Spec, _ size: MixerSize)
    throws(ConfigError) -> any TokenMixer
  {
    guard T.appliesRotary || size.rotaryBase == nil else {
      throw ConfigError(
        .inconsistent, "the token mixer '\(T.kind)' cannot turn queries and keys",
        place: path.description, rule: "rotary positions need a mixer with queries and keys",
        advice: "other positions are \(EmbeddingConfig.Positions.known.joined(separator: ", "))")
    }
    guard T.appliesBias || size.biasHeads == nil else {
      throw ConfigError(
        .inconsistent, "the token mixer '\(T.kind)' cannot add a bias to scores",
        place: path.description, rule: "relative positions need a mixer with queries and keys",
        advice: "other positions are \(EmbeddingConfig.Positions.known.joined(separator: ", "))")
    }
    return try T(spec.options(T.Options.self, at: path), size, &self)
  }

  /// A feed-forward network.
  public mutating func feedForward(_ name: String, _ spec: Spec, width: Int)
    throws(ConfigError) -> any FeedForward
  {
    try inside(name) { maker throws(ConfigError) in
      try maker.make(Catalog.feedForward(spec.kind, at: maker.path), spec, width)
    }
  }

  private mutating func make<F: FeedForward>(_ type: F.Type, _ spec: Spec, _ width: Int)
    throws(ConfigError) -> any FeedForward
  {
    try F(spec.options(F.Options.self, at: path), width: width, &self)
  }
}
