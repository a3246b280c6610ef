import VerdantBase
internal import CVerdant

/// `activation(x Wᵀ + b)`. Inputs: x `[..., in]`, weight `[out, in]`, bias `[out]` if present.
public struct Affine: FusedPrimitive {
  /// Applied to every output.
  public let activation: Activation

  /// Makes the operation.
  public init(activation: Activation = .none) { self.activation = activation }

  /// The name in errors and profiles.
  public static var name: String { "affine" }

  /// Input, weight, and the values before the activation.
  public struct Saved: Sendable {
    let x: Tensor
    let weight: Tensor
    let before: Tensor?
    let hasBias: Bool
  }

  /// Computes the output.
  public func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: Saved?) {
    let (x, weight) = (inputs[0], inputs[1])
    let bias = inputs.count > 2 ? inputs[2] : nil
    require(
      weight.shape.rank == 2 && x.shape.columns == weight.shape[1]
        && (bias == nil || bias?.shape == [weight.shape[0]]),
      "[affine] shapes \(inputs.map(\.shape)); [..., in], [out, in] and [out] expected"
    )
    guard let kernels = x.backend as? any AffineKernels else {
      trap("[affine] the backend \(x.backend.name) has no kernel")
    }
    let (output, before) = kernels.affine(
      x, weight, bias, activation, keepsBefore: saving && activation != .none)
    guard saving else { return (output, nil) }
    return (output, Saved(x: x, weight: weight, before: before, hasBias: bias != nil))
  }

  // With z = x Wᵀ + b: dz = dy activation'(z); dx = dz W; dW = dzᵀ x; db = sum of rows of dz.
  /// Computes the gradients.
  public func backward(_ gradient: Tensor, _ saved: Saved, wanted: [Bool]) -> [Tensor?] {
    guard let kernels = gradient.backend as? any AffineKernels else {
      trap("[affine] the backend \(gradient.backend.name) has no kernel")
    }
    let dz = saved.before.map { kernels.activationBackward(gradient, $0, activation) } ?? gradient
    let columns = dz.shape.columns
    let flat = dz.reshaped(to: [dz.shape.rows, columns])
    let x = saved.x.reshaped(to: [saved.x.shape.rows, saved.x.shape.columns])
    let backend = gradient.backend
    let dx = wanted[0] ? backend.matmul(dz, saved.weight, MatMulForm()) : nil
    let dw = wanted[1] ? backend.matmul(flat, x, MatMulForm(transposeA: true)) : nil
    guard saved.hasBias else { return [dx, dw] }
    return [dx, dw, wanted[2] ? kernels.columnSum(flat) : nil]
  }

  /// The definition.
  public func reference(_ inputs: [Tensor]) -> Tensor {
    let product = matmul(inputs[0], inputs[1], transposeB: true)
    return activation(inputs.count > 2 ? product + inputs[2] : product)
  }

  /// True where a kernel exists.
  public static func runs(on backend: any Backend) -> Bool { backend is any AffineKernels }

  /// Work: two operations for each weight and row; bias and activation by output.
  public func cost(_ inputs: [Shape], _ output: Shape) -> Cost {
    let product = 2 * Double(output.elementCount) * Double(inputs[0].columns)
    let pass = Double(output.elementCount) * activation.operations
    let elements = inputs.reduce(output.elementCount) { $0 + $1.elementCount }
    var backward = [product, product + pass]
    if inputs.count > 2 { backward.append(Double(output.elementCount)) }
    let bias = inputs.count > 2 ? Double(output.elementCount) : 0
    return Cost(forward: product + pass + bias, backward: backward, bytes: 4 * Double(elements))
  }

  /// Shapes for checks and benchmarks.
  public static var examples: [Example<Affine>] {
    Activation.allCases.flatMap { activation in
      let affine = Affine(activation: activation)
      return [
        Example(affine, .normal([3, 5]), .normal([4, 5]), .normal([4])),
        Example(affine, .normal([2, 3, 7]), .normal([1, 7])),
        Example(affine, .normal([65, 33]), .normal([50, 33]), .normal([50])),
        Example(affine, .normal([0, 5]), .normal([3, 5]), .normal([3])),
      ]
    }
  }
}

/// The kernels of ``Affine``.
public protocol AffineKernels: Backend {
  /// The output, and with `keepsBefore` the values before the activation.
  func affine(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, keepsBefore: Bool
  ) -> (output: Tensor, before: Tensor?)
  /// `gradient · activation'(before)`.
  func activationBackward(_ gradient: Tensor, _ before: Tensor, _ activation: Activation) -> Tensor
  /// The sum of the rows of `[rows, columns]`.
  func columnSum(_ x: Tensor) -> Tensor
}

/// `activation(x Wᵀ + b)`.
///
/// - Parameters:
///   - x: `[..., in]`.
///   - weight: `[out, in]`.
///   - bias: `[out]`.
/// - Returns: `[..., out]`.
public func affine(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, activation: Activation = .none
) -> Tensor {
  apply(Affine(activation: activation), to: [x, weight] + (bias.map { [$0] } ?? []))
}

extension Activation {
  var kernel: vd_activation {
    switch self {
    case .none: VD_ACT_NONE
    case .gelu: VD_ACT_GELU
    case .relu: VD_ACT_RELU
    case .silu: VD_ACT_SILU
    }
  }
}

extension CPUBackend: AffineKernels {
  /// The output, and with `keepsBefore` the values before the activation.
  public func affine(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, keepsBefore: Bool
  ) -> (output: Tensor, before: Tensor?) {
    let (rows, width, columns) = (x.shape.rows, x.shape.columns, weight.shape[0])
    let product = empty(x.shape.withColumns(columns))
    vd_gemm_f32(
      false, true, rows, columns, width, 1, x.f32, width, weight.f32, width, 0, product.f32,
      columns)
    if keepsBefore {
      let output = empty(product.shape)
      vd_bias_activation_saving(
        activation.kernel, rows, columns, product.f32, bias?.f32, output.f32)
      return (output, product)
    }
    if bias != nil || activation != .none {
      vd_bias_activation(activation.kernel, rows, columns, product.f32, bias?.f32, product.f32)
    }
    return (product, nil)
  }

  /// `gradient · activation'(before)`.
  public func activationBackward(_ gradient: Tensor, _ before: Tensor, _ activation: Activation)
    -> Tensor
  {
    let result = empty(gradient.shape)
    vd_activation_backward(
      activation.kernel, gradient.count, gradient.f32, before.f32, result.f32)
    return result
  }

  /// The sum of the rows of `[rows, columns]`.
  public func columnSum(_ x: Tensor) -> Tensor {
    let result = empty([x.shape.columns])
    vd_column_sum(x.shape.rows, x.shape.columns, x.f32, result.f32)
    return result
  }
}

extension ShapeBackend: AffineKernels {
  /// Shapes.
  public func affine(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, keepsBefore: Bool
  ) -> (output: Tensor, before: Tensor?) {
    let output = empty(x.shape.withColumns(weight.shape[0]))
    return (output, keepsBefore ? empty(output.shape) : nil)
  }
  /// A shape.
  public func activationBackward(_ gradient: Tensor, _ before: Tensor, _ activation: Activation)
    -> Tensor
  { empty(gradient.shape) }
  /// A shape.
  public func columnSum(_ x: Tensor) -> Tensor { empty([x.shape.columns]) }
}
