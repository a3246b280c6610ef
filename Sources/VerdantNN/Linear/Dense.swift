public import VerdantBase
public import VerdantCore

/// The ordinary linear map: one matrix `[output, input]`.
public struct Dense: LinearMap {
  /// The name in configurations.
  public static let kind = "dense"

  /// `[output, input]`.
  public var weight: Parameter
  /// `[output]`.
  public var bias: Parameter?
  /// The sizes.
  public let size: LinearSize
  /// None.
  public var options: NoOptions { NoOptions() }

  /// Normal initial weights; see ``Initializer/linearDeviation(inputs:)``.
  public init(_ options: NoOptions, _ size: LinearSize, _ make: inout Maker) throws(ConfigError) {
    let deviation = Initializer.linearDeviation(inputs: size.input) * size.gain
    self.size = size
    weight = make.parameter(
      "weight", [size.output, size.input], .normal(deviation: deviation), .weight)
    bias = size.hasBias ? make.parameter("bias", [size.output], .zeros, .bias) : nil
  }

  /// Shows weight and bias.
  public mutating func visit(_ visitor: inout some Visitor) {
    visitor.parameter("weight", &weight)
    visitor.optional("bias", &bias)
  }

  /// `activation(x Wᵀ + b)`, or `x Wᵀ + b + residual`.
  public func callAsFunction(
    _ x: Tensor, activation: Activation, adding residual: Tensor?, _ context: inout Context
  ) -> Tensor {
    affine(
      context.computing(x), weight.value, bias: bias?.value, activation: activation,
      adding: residual)
  }

  /// The matrix itself.
  public func matrix() -> Tensor { weight.value }

  /// The matrix itself.
  public static func fitted(
    to matrix: Tensor, bias: Tensor?, _ options: NoOptions, _ make: inout Maker
  ) throws(ConfigError) -> Dense {
    let size = LinearSize(
      input: matrix.shape[1], output: matrix.shape[0], hasBias: bias != nil)
    var map = try Dense(options, size, &make)
    map.weight.value = matrix
    if let bias { map.bias?.value = bias }
    return map
  }

  /// The only setting.
  public static var examples: [NoOptions] { [NoOptions()] }
}
