public import VerdantBase
public import VerdantCore

/// Sizes of a linear map.
public struct LinearSize: Sendable, Equatable {
  /// The width that comes in.
  public let input: Int
  /// The width that goes out.
  public let output: Int
  /// True when a bias is added.
  public let hasBias: Bool
  /// Multiplies the initial weights.
  public let gain: Double

  /// Makes a size.
  public init(input: Int, output: Int, hasBias: Bool, gain: Double = 1) {
    self.input = input
    self.output = output
    self.hasBias = hasBias
    self.gain = gain
  }
}

/// A linear map `[..., input]` → `[..., output]` of some structure, with an optional bias.
public protocol LinearMap: Module {
  /// The structure's settings.
  associatedtype Options: Knobs
  /// The name in configurations: "dense", "low-rank".
  static var kind: String { get }
  /// Builds the map with initial weights; throws when the options do not fit the size.
  init(_ options: Options, _ size: LinearSize, _ make: inout Maker) throws(ConfigError)
  /// The structure's settings.
  var options: Options { get }
  /// The sizes.
  var size: LinearSize { get }
  /// `activation(map(x) + bias)`, or `map(x) + bias + residual`: never both.
  ///
  /// - Parameter residual: `[..., output]` in f32; the output is f32 then.
  func callAsFunction(
    _ x: Tensor, activation: Activation, adding residual: Tensor?, _ context: inout Context
  ) -> Tensor
  /// The dense matrix `[output, input]` that it stands for.
  func matrix() -> Tensor
  /// The closest map of this structure to a dense matrix `[output, input]`.
  static func fitted(
    to matrix: Tensor, bias: Tensor?, _ options: Options, _ make: inout Maker
  ) throws(ConfigError) -> Self
  /// Settings for checks, that fit widths of 8 and more.
  static var examples: [Options] { get }
}

extension LinearMap {
  /// `map(x) + bias`.
  public func callAsFunction(_ x: Tensor, _ context: inout Context) -> Tensor {
    self(x, activation: .none, adding: nil, &context)
  }
  /// `activation(map(x) + bias)`.
  public func callAsFunction(_ x: Tensor, activation: Activation, _ context: inout Context)
    -> Tensor
  { self(x, activation: activation, adding: nil, &context) }
  /// `map(x) + bias + residual`, with dropout before the sum.
  public func callAsFunction(
    _ x: Tensor, adding residual: Tensor?, dropout: Double, _ context: inout Context
  ) -> Tensor {
    guard let residual else { return context.dropout(self(x, &context), rate: dropout) }
    if case .training = context.mode, dropout > 0 {
      return residual + context.dropout(self(x, &context), rate: dropout)
    }
    return self(x, activation: .none, adding: residual, &context)
  }
}

/// A part without settings.
public struct NoOptions: Knobs {
  /// The only value.
  public init() {}
  /// None.
  public static var knobs: [Knob<NoOptions>] { [] }
}
