public import VerdantBase
public import VerdantCore

/// A product of two thin matrices, `(x Vᵀ) Uᵀ + b` with V `[rank, input]` and U `[output, rank]`
/// (Wei et al. 2024, "Building on Efficient Foundations", section 3).
public struct LowRank: LinearMap {
  /// The name in configurations.
  public static let kind = "low-rank"

  /// How large the factors are.
  public struct Options: Knobs {
    /// The inner width; nil takes it from `ratio`.
    public var rank: Int?
    /// The share of the dense map's weights that the factors keep.
    public var ratio = 0.5
    /// The defaults.
    public init() {}
    /// Options with a rank.
    public init(rank: Int) { self.rank = rank }
    /// Options with a share of the dense weights.
    public init(ratio: Double) { self.ratio = ratio }
    /// The declared options.
    public static var knobs: [Knob<Options>] {
      [
        Knob("rank", \.rank, 1...(1 << 20), "inner width of the two factors"),
        Knob(
          "ratio", \.ratio, 0.001...1,
          "share of the dense weights to keep, when no rank is given; rank in steps of 8"),
      ]
    }

    /// The rank for a map of that size.
    public func rank(for size: LinearSize) -> Int {
      if let rank { return rank }
      let dense = Double(size.input) * Double(size.output)
      let exact = ratio * dense / Double(size.input + size.output)
      let limit = min(size.input, size.output)
      return min(limit, max(1, exact < 8 ? Int(exact) : Int(exact / 8) * 8))
    }
  }

  /// V, `[rank, input]`.
  public var down: Parameter
  /// U, `[output, rank]`.
  public var up: Parameter
  /// `[output]`.
  public var bias: Parameter?
  /// The sizes.
  public let size: LinearSize
  /// The settings.
  public let options: Options

  /// Spectral initial weights: a dense draw G = P S Qᵀ gives U = P √S and V = √S Qᵀ, cut to the
  /// rank (Wei et al. 2024, section 3.3).
  public init(_ options: Options, _ size: LinearSize, _ make: inout Maker) throws(ConfigError) {
    let deviation = Initializer.linearDeviation(inputs: size.input) * size.gain
    let rank = try Self.checked(options, size, make.path)
    let draw = Initializer.normal(deviation: deviation).tensor(
      [size.output, size.input], make.stream.stream("spectral"), on: make.backend)
    let factors = Self.factors(of: draw, rank)
    down = make.parameter("down", [rank, size.input], .values(factors.down), .weight)
    up = make.parameter("up", [size.output, rank], .values(factors.up), .weight)
    bias = size.hasBias ? make.parameter("bias", [size.output], .zeros, .bias) : nil
    self.size = size
    self.options = options
  }

  private init(_ options: Options, _ size: LinearSize, down: Tensor, up: Tensor, bias: Tensor?) {
    self.options = options
    self.size = size
    self.down = Parameter(down, .weight)
    self.up = Parameter(up, .weight)
    self.bias = bias.map { Parameter($0, .bias) }
  }

  private static func checked(_ options: Options, _ size: LinearSize, _ path: PartPath)
    throws(ConfigError) -> Int
  {
    let rank = options.rank(for: size)
    let limit = min(size.input, size.output)
    guard rank <= limit else {
      throw ConfigError(
        .inconsistent,
        "rank \(rank) of a low-rank map from \(size.input) to \(size.output)",
        place: path.description,
        rule: "the rank is at most the smaller width, \(limit)",
        advice:
          "below \(size.input * size.output / (size.input + size.output)) it saves weights"
      )
    }
    return rank
  }

  private static func factors(of matrix: Tensor, _ rank: Int) -> (down: Tensor, up: Tensor) {
    let parts = singularValueDecomposition(matrix)
    let root = squareRoot(parts.values[0..<rank])
    let down = parts.right[0..<rank] * root.reshaped(to: [rank, 1])
    let up = parts.left[0..<rank] * root.reshaped(to: [rank, 1])
    return (down, up.permuted(1, 0))
  }

  /// Shows the factors and the bias.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.parameter("down", &down)
    visitor.parameter("up", &up)
    visitor.optional("bias", &bias)
  }

  /// `activation((x Vᵀ) Uᵀ + b)`, or `(x Vᵀ) Uᵀ + b + residual`.
  public func callAsFunction(
    _ x: Tensor, activation: Activation, adding residual: Tensor?, _ context: inout Context
  ) -> Tensor {
    affine(
      affine(context.computing(x), down.value), up.value, bias: bias?.value,
      activation: activation, adding: residual)
  }

  /// U V.
  public func matrix() -> Tensor { matmul(up.value, down.value) }

  /// The best map of that rank in the Frobenius norm (Eckart and Young 1936), split evenly.
  public static func fitted(
    to matrix: Tensor, bias: Tensor?, _ options: Options, _ make: inout Maker
  ) throws(ConfigError) -> LowRank {
    let size = LinearSize(
      input: matrix.shape[1], output: matrix.shape[0], hasBias: bias != nil)
    let rank = try checked(options, size, make.path)
    let factors = factors(of: matrix, rank)
    return LowRank(options, size, down: factors.down, up: factors.up, bias: bias)
  }

  /// Settings for checks.
  public static var examples: [Options] {
    [Options(rank: 1), Options(rank: 5), Options(ratio: 0.3125)]
  }
}
