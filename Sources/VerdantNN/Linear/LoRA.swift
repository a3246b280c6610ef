public import VerdantBase
public import VerdantCore

/// A frozen dense map with a trained correction of low rank beside it, `x Wᵀ + b + s · (drop(x) Aᵀ) Bᵀ`
/// with A `[rank, input]` and B `[output, rank]` (Hu et al. 2021, section 4.1). B begins at 0: at first
/// the map is that of W alone.
public struct LoRA: LinearMap {
  /// The name in configurations.
  public static let kind = "lora"

  /// How large the correction is.
  public struct Options: Knobs {
    /// The inner width.
    public var rank = 8
    /// The correction is multiplied by `alpha / rank`.
    public var alpha = 16.0
    /// True for `alpha / sqrt(rank)`, which suits large ranks (Kalajdzievski 2023).
    public var isRankStabilized = false
    /// Dropout of the correction's input in training.
    public var dropout = 0.0
    /// The defaults.
    public init() {}
    /// Options with a rank.
    public init(rank: Int, alpha: Double = 16, isRankStabilized: Bool = false) {
      self.rank = rank
      self.alpha = alpha
      self.isRankStabilized = isRankStabilized
    }
    /// The declared options.
    public static var knobs: [Knob<Options>] {
      [
        Knob("rank", \.rank, 1...(1 << 20), "inner width of the correction"),
        Knob("alpha", \.alpha, 1e-6...1e6, "the correction is multiplied by alpha over rank"),
        Knob(
          "rank_stabilized", \.isRankStabilized, "whether alpha is divided by the root of the rank"),
        Knob("dropout", \.dropout, 0...0.99, "dropout of the correction's input in training"),
      ]
    }

    /// The factor of the correction.
    public var scale: Double {
      alpha / (isRankStabilized ? Double(rank).squareRoot() : Double(rank))
    }
  }

  /// W and b, frozen.
  public var base: Dense
  /// A, `[rank, input]`.
  public var down: Parameter
  /// B, `[output, rank]`.
  public var up: Parameter
  /// The settings.
  public let options: Options
  /// The sizes.
  public var size: LinearSize { base.size }

  /// A dense map with normal weights, A uniform within `1 / sqrt(input)`, B zero.
  public init(_ options: Options, _ size: LinearSize, _ make: inout Maker) throws(ConfigError) {
    try self.init(options, Dense(NoOptions(), size, &make), &make)
  }

  /// A correction of a dense map.
  public init(_ options: Options, _ base: Dense, _ make: inout Maker) throws(ConfigError) {
    let (size, limit) = (base.size, min(base.size.input, base.size.output))
    guard options.rank <= limit else {
      throw ConfigError(
        .inconsistent,
        "rank \(options.rank) of a correction of a map from \(size.input) to \(size.output)",
        place: make.path.description,
        rule: "the rank is at most the smaller width, \(limit)")
    }
    self.options = options
    self.base = base
    self.base.weight.isTrainable = false
    self.base.bias?.isTrainable = false
    down = make.parameter(
      "loraDown", [options.rank, size.input],
      .uniform(bound: 1 / Double(size.input).squareRoot()), .weight)
    up = make.parameter("loraUp", [size.output, options.rank], .zeros, .weight)
  }

  /// Shows W and b under the names of a dense map, then A and B.
  public mutating func visit(_ visitor: inout some Visitor) {
    base.visit(&visitor)
    visitor.parameter("loraDown", &down)
    visitor.parameter("loraUp", &up)
  }

  /// `activation(x Wᵀ + b + correction)`, or the sum with a residual.
  public func callAsFunction(
    _ x: Tensor, activation: Activation, adding residual: Tensor?, _ context: inout Context
  ) -> Tensor {
    let inner = affine(dropped(x, &context), down.value, isWide: true) * options.scale
    let input = context.computing(inner)
    let correction =
      residual.map { affine(input, up.value, adding: $0) }
      ?? affine(input, up.value, isWide: true)
    let sum = base(x, activation: .none, adding: correction, &context)
    return activation == .none ? sum : activation(sum)
  }

  private func dropped(_ x: Tensor, _ context: inout Context) -> Tensor {
    guard case .training = context.mode, options.dropout > 0 else { return context.computing(x) }
    let wide = x.dtype == .bfloat16 ? x.cast(to: .float32) : x
    return context.computing(context.dropout(wide, rate: options.dropout))
  }

  /// `W + s · B A`.
  public func matrix() -> Tensor {
    base.weight.value + matmul(up.value, down.value) * options.scale
  }

  /// The matrix as W, without a correction.
  public static func fitted(
    to matrix: Tensor, bias: Tensor?, _ options: Options, _ make: inout Maker
  ) throws(ConfigError) -> LoRA {
    try LoRA(options, .fitted(to: matrix, bias: bias, NoOptions(), &make), &make)
  }

  /// Settings for checks.
  public static var examples: [Options] {
    [Options(rank: 1), Options(rank: 5, alpha: 3, isRankStabilized: true)]
  }
}
