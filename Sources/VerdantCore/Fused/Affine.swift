import VerdantBase
internal import CVerdant

/// `activation(x Wᵀ + b)`, or `x Wᵀ + b + residual`. Inputs: x `[..., in]`, weight `[out, in]`,
/// then bias `[out]` and residual `[..., out]` if present.
///
/// With x in bf16 the weight is read in bf16, too, and sums are formed in f32. The output has the
/// form of x, or f32 where a residual is added.
public struct Affine: FusedPrimitive {
  /// Applied to every output.
  public let activation: Activation
  /// True when a bias follows the weight.
  public let hasBias: Bool
  /// True when the last input is added to the output.
  public let hasResidual: Bool
  /// True when the output is in f32 whatever the form of x.
  public let isWide: Bool

  /// Makes the operation.
  public init(
    activation: Activation = .none, hasBias: Bool, hasResidual: Bool = false, isWide: Bool = false
  ) {
    require(
      activation == .none || !hasResidual, "[affine] a residual is added without an activation")
    self.activation = activation
    self.hasBias = hasBias
    self.hasResidual = hasResidual
    self.isWide = isWide || hasResidual
  }

  /// The name in errors and profiles.
  public static var name: String { "affine" }
  /// True.
  public static var readsBFloat16: Bool { true }

  /// Input, weight, and the values before the activation.
  public struct Saved: Sendable {
    let x: SavedTensor
    let weight: Tensor
    let before: Tensor?
    let isNarrow: Bool
  }

  private static func kernels(_ x: Tensor) -> any AffineKernels {
    guard let kernels = x.backend as? any AffineKernels else {
      trap("[affine] the backend \(x.backend.name) has no kernel")
    }
    return kernels
  }

  private func check(_ inputs: [Tensor]) {
    let (x, weight) = (inputs[0].shape, inputs[1].shape)
    let count = 2 + (hasBias ? 1 : 0) + (hasResidual ? 1 : 0)
    require(
      inputs.count == count && weight.rank == 2 && x.columns == weight[1]
        && (!hasBias || inputs[2].shape == [weight[0]])
        && (!hasResidual || inputs[count - 1].shape == x.withColumns(weight[0])),
      "[affine] shapes \(inputs.map(\.shape)); [..., in], [out, in] and [out] expected"
    )
  }

  /// Computes the output.
  public func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: Saved?) {
    check(inputs)
    let bias = hasBias ? inputs[2] : nil
    let residual =
      hasResidual ? inputs[inputs.count - 1].cast(to: inputs[0].backend.scalarType) : nil
    let (output, before) = Self.kernels(inputs[0]).affine(
      self, inputs[0], inputs[1], bias, residual, saving: saving)
    guard saving else { return (output, nil) }
    return (
      output,
      Saved(
        x: SavedTensor(inputs[0]), weight: inputs[1], before: before,
        isNarrow: inputs[0].dtype == .bfloat16)
    )
  }

  // With z = x Wᵀ + b: dz = dy activation'(z); dx = dz W; dW = dzᵀ x; db = sum of rows of dz.
  /// Computes the gradients.
  public func backward(_ gradient: Tensor, _ saved: Saved, wanted: [Bool]) -> [Tensor?] {
    let kernels = Self.kernels(gradient)
    let dz = saved.before.map { kernels.activationBackward(gradient, $0, activation) } ?? gradient
    let (dx, dw) = kernels.affineBackward(
      dz, wanted[1] ? saved.x.tensor : nil, wanted[0] ? saved.weight : nil,
      narrow: saved.isNarrow)
    var gradients = [dx, dw]
    if hasBias { gradients.append(wanted[2] ? kernels.columnSum(dz) : nil) }
    if hasResidual { gradients.append(gradient) }
    return gradients
  }

  /// With an activation the output follows from the values before it.
  public func recomputation(_ saved: Saved) -> (@Sendable () -> Tensor)? {
    guard let before = saved.before, !isWide else { return nil }
    return { Self.kernels(before).activated(before, activation) }
  }

  /// The definition.
  public func reference(_ inputs: [Tensor]) -> Tensor {
    check(inputs)
    let product = matmul(inputs[0], inputs[1], transposeB: true)
    let output = activation(hasBias ? product + inputs[2] : product)
    return hasResidual ? output + inputs[inputs.count - 1] : output
  }

  /// True where a kernel exists.
  public static func runs(on backend: any Backend) -> Bool { backend is any AffineKernels }

  /// Work: two operations for each weight and row; bias and activation by output.
  public func cost(_ inputs: [Shape], _ output: Shape) -> Cost {
    let product = 2 * Double(output.elementCount) * Double(inputs[0].columns)
    let pass = Double(output.elementCount) * activation.operations
    let elements = inputs.reduce(output.elementCount) { $0 + $1.elementCount }
    let pairs = Double(output.elementCount)
    var backward = [product, product + pass]
    if hasBias { backward.append(pairs) }
    if hasResidual { backward.append(0) }
    let added = pairs * Double(inputs.count - 2)
    return Cost(forward: product + pass + added, backward: backward, bytes: 4 * Double(elements))
  }

  /// Shapes for checks and benchmarks.
  public static var examples: [Example<Affine>] {
    Activation.allCases.flatMap { activation in
      let affine = Affine(activation: activation, hasBias: true)
      return [
        Example(affine, .normal([3, 5]), .normal([4, 5]), .normal([4])),
        Example(
          Affine(activation: activation, hasBias: false), .normal([2, 3, 7]), .normal([1, 7])),
        Example(affine, .normal([65, 33]), .normal([50, 33]), .normal([50])),
        Example(affine, .normal([0, 5]), .normal([3, 5]), .normal([3])),
      ]
    } + [
      Example(
        Affine(hasBias: true, hasResidual: true), .normal([2, 3, 7]), .normal([5, 7]), .normal([5]),
        .normal([2, 3, 5])),
      Example(
        Affine(hasBias: false, hasResidual: true), .normal([65, 33]), .normal([50, 33]),
        .normal([65, 50])),
    ]
  }
}

/// The kernels of ``Affine``.
public protocol AffineKernels: Backend {
  /// The output, and for an activation that is `saving` the values before it.
  func affine(
    _ operation: Affine, _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ residual: Tensor?,
    saving: Bool
  ) -> (output: Tensor, before: Tensor?)
  /// The gradients of x and weight for `dz` [..., out]: of x where the weight is given, of the
  /// weight where x is.
  func affineBackward(_ dz: Tensor, _ x: Tensor?, _ weight: Tensor?, narrow: Bool)
    -> (dx: Tensor?, dw: Tensor?)
  /// `activation(x)` in the form of x.
  func activated(_ x: Tensor, _ activation: Activation) -> Tensor
  /// `gradient · activation'(before)`.
  func activationBackward(_ gradient: Tensor, _ before: Tensor, _ activation: Activation) -> Tensor
  /// The sum of the rows of `[..., columns]`.
  func columnSum(_ x: Tensor) -> Tensor
}

/// `activation(x Wᵀ + b)`, or `x Wᵀ + b + residual`.
///
/// - Parameters:
///   - x: `[..., in]`.
///   - weight: `[out, in]`.
///   - bias: `[out]`.
///   - residual: `[..., out]`; only without an activation.
///   - isWide: Whether the output is in f32 whatever the form of x.
/// - Returns: `[..., out]`.
public func affine(
  _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, activation: Activation = .none,
  adding residual: Tensor? = nil, isWide: Bool = false
) -> Tensor {
  let operation = Affine(
    activation: activation, hasBias: bias != nil, hasResidual: residual != nil, isWide: isWide)
  return apply(operation, to: [x, weight] + [bias, residual].compactMap(\.self))
}

extension Activation {
  var kernel: vd_activation {
    switch self {
    case .none: VD_ACT_NONE
    case .gelu: VD_ACT_GELU
    case .relu: VD_ACT_RELU
    case .silu: VD_ACT_SILU
    case .geluExact: VD_ACT_GELU_EXACT
    case .tanh: VD_ACT_TANH
    }
  }
}

extension CPUBackend: AffineKernels {
  /// The output, and for an activation that is `saving` the values before it.
  public func affine(
    _ operation: Affine, _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ residual: Tensor?,
    saving: Bool
  ) -> (output: Tensor, before: Tensor?) {
    let matrix = x.dtype == .bfloat16 ? weight.narrowed(keeping: !saving) : weight
    let output = empty(
      x.shape.withColumns(weight.shape[0]), operation.isWide ? .float32 : x.dtype)
    let keepsBefore = saving && operation.activation != .none
    let before = keepsBefore ? empty(output.shape, output.dtype) : nil
    var call = vd_affine_call(
      rows: x.shape.rows, width: x.shape.columns, columns: weight.shape[0], type: x.kernelType,
      result: output.kernelType, x: x.unsafeAddress, weight: matrix.unsafeAddress,
      bias: bias?.f32, residual: residual?.f32, activation: operation.activation.kernel,
      before: before?.unsafeAddress, y: output.unsafeAddress)
    withExtendedLifetime(matrix) { vd_affine(&call) }
    return (output, before)
  }

  /// The gradients of x and weight.
  public func affineBackward(_ dz: Tensor, _ x: Tensor?, _ weight: Tensor?, narrow: Bool)
    -> (dx: Tensor?, dw: Tensor?)
  {
    let dtype: DType = narrow ? .bfloat16 : .float32
    let gradient = cast(dz, to: dtype)
    let dx = weight.map {
      product(gradient, narrow ? $0.narrowed(keeping: false) : $0, MatMulForm(), dtype)
    }
    let dw = x.map { product(gradient, $0, MatMulForm(transposeA: true)) }
    return (dx, dw)
  }

  /// `activation(x)` in the form of x.
  public func activated(_ x: Tensor, _ activation: Activation) -> Tensor {
    let result = empty(x.shape, x.dtype)
    vd_activate(activation.kernel, x.kernelType, x.count, x.unsafeAddress, result.unsafeAddress)
    return result
  }

  /// `gradient · activation'(before)`.
  public func activationBackward(_ gradient: Tensor, _ before: Tensor, _ activation: Activation)
    -> Tensor
  {
    let dy = cast(gradient, to: before.dtype)
    let result = empty(dy.shape, dy.dtype)
    vd_activation_backward(
      activation.kernel, dy.kernelType, dy.count, dy.unsafeAddress, before.unsafeAddress,
      result.unsafeAddress)
    return result
  }

  /// The sum of the rows of `[..., columns]`.
  public func columnSum(_ x: Tensor) -> Tensor {
    let result = empty([x.shape.columns])
    vd_column_sum(x.shape.rows, x.shape.columns, x.kernelType, x.unsafeAddress, result.f32)
    return result
  }
}

extension ShapeBackend: AffineKernels {
  /// Shapes.
  public func affine(
    _ operation: Affine, _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ residual: Tensor?,
    saving: Bool
  ) -> (output: Tensor, before: Tensor?) {
    let matrix = x.dtype == .bfloat16 ? weight.narrowed(keeping: !saving) : weight
    return withExtendedLifetime(matrix) {
      let shape = x.shape.withColumns(weight.shape[0])
      let dtype: DType = operation.isWide ? .float32 : x.dtype
      let keepsBefore = saving && operation.activation != .none
      return (empty(shape, dtype), keepsBefore ? empty(shape, dtype) : nil)
    }
  }
  /// Shapes.
  public func affineBackward(_ dz: Tensor, _ x: Tensor?, _ weight: Tensor?, narrow: Bool)
    -> (dx: Tensor?, dw: Tensor?)
  {
    let dtype: DType = narrow ? .bfloat16 : .float32
    let gradient = cast(dz, to: dtype)
    let dx = weight.map { weight in
      withExtendedLifetime(narrow ? weight.narrowed(keeping: false) : weight) {
        empty(gradient.shape.withColumns(weight.shape[1]), dtype)
      }
    }
    return (dx, x.map { empty([gradient.shape.columns, $0.shape.columns]) })
  }
  /// A shape.
  public func activated(_ x: Tensor, _ activation: Activation) -> Tensor {
    empty(x.shape, x.dtype)
  }
  /// A shape.
  public func activationBackward(_ gradient: Tensor, _ before: Tensor, _ activation: Activation)
    -> Tensor
  { empty(gradient.shape, before.dtype) }
  /// A shape.
  public func columnSum(_ x: Tensor) -> Tensor { empty([x.shape.columns]) }
}
