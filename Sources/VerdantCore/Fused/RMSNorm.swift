import VerdantBase
internal import CVerdant

/// Root mean square normalization (Zhang and Sennrich 2019): `x / sqrt(mean(x²) + ε) · scale` by
/// row. Inputs: x `[..., width]`, scale `[width]`. Reads and sums in f32; the output may be rounded
/// to bf16.
public struct RMSNorm: FusedPrimitive {
  /// Added to the mean square.
  public let epsilon: Double

  /// True when the output is rounded to bf16.
  public let isNarrow: Bool

  /// Makes the operation.
  public init(epsilon: Double = 1e-5, isNarrow: Bool = false) {
    self.epsilon = epsilon
    self.isNarrow = isNarrow
  }

  /// The name in errors and profiles.
  public static var name: String { "rms-norm" }

  /// Input, scale, and the inverse root mean square of each row.
  public struct Saved: Sendable {
    let x: Tensor
    let scale: Tensor
    let statistics: Tensor
  }

  private static func kernels(_ x: Tensor) -> any RMSNormKernels {
    guard let kernels = x.backend as? any RMSNormKernels else {
      trap("[rms-norm] the backend \(x.backend.name) has no kernel")
    }
    return kernels
  }

  /// Computes the output.
  public func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: Saved?) {
    let x = inputs[0]
    require(
      x.shape.columns > 0 && inputs.count == 2 && inputs[1].shape == [x.shape.columns],
      "[rms-norm] shapes \(inputs.map(\.shape)); [..., width] and [width] expected"
    )
    let (output, statistics) = Self.kernels(x).rmsNorm(self, x, inputs[1], statistics: nil)
    guard saving else { return (output, nil) }
    return (output, Saved(x: x, scale: inputs[1], statistics: statistics))
  }

  /// The output again, from the saved statistics.
  public func recomputation(_ saved: Saved) -> (@Sendable () -> Tensor)? {
    {
      Self.kernels(saved.x).rmsNorm(self, saved.x, saved.scale, statistics: saved.statistics)
        .output
    }
  }

  /// Computes the gradients.
  public func backward(_ gradient: Tensor, _ saved: Saved, wanted: [Bool]) -> [Tensor?] {
    let (dx, dscale) = Self.kernels(gradient).rmsNormBackward(
      gradient, saved.x, saved.scale, saved.statistics)
    return [dx, dscale]
  }

  /// The definition.
  public func reference(_ inputs: [Tensor]) -> Tensor {
    let x = inputs[0]
    let square = (x * x).mean(over: x.shape.rank - 1)
    return x / squareRoot(square + epsilon) * inputs[1]
  }

  /// True where a kernel exists.
  public static func runs(on backend: any Backend) -> Bool { backend is any RMSNormKernels }

  /// Work: about four operations an element forward, eight backward.
  public func cost(_ inputs: [Shape], _ output: Shape) -> Cost {
    var cost = Cost.elementwise(inputs, output, 4)
    let elements = Double(output.elementCount)
    cost.backward = [elements * 6, elements * 2]
    return cost
  }

  /// Shapes for checks and benchmarks.
  public static var examples: [Example<RMSNorm>] {
    [
      Example(RMSNorm(), .normal([3, 5]), .normal([5])),
      Example(RMSNorm(), .normal([2, 67, 19]), .normal([19])),
      Example(RMSNorm(epsilon: 0.1), .normal([3, 600]), .normal([600])),
      Example(RMSNorm(), .normal([1, 1]), .normal([1])),
      Example(RMSNorm(epsilon: 1e-3), .normal([0, 4]), .normal([4])),
    ]
  }
}

/// The kernels of ``RMSNorm``.
public protocol RMSNormKernels: Backend {
  /// The output, and the inverse root mean square by row `[rows]`, computed unless given.
  func rmsNorm(_ operation: RMSNorm, _ x: Tensor, _ scale: Tensor, statistics: Tensor?)
    -> (output: Tensor, statistics: Tensor)
  /// The gradients of input and scale.
  func rmsNormBackward(_ gradient: Tensor, _ x: Tensor, _ scale: Tensor, _ statistics: Tensor)
    -> (Tensor, Tensor)
}

/// Root mean square normalization of the last axis.
///
/// - Parameters:
///   - x: `[..., width]`.
///   - scale: `[width]`.
///   - isNarrow: Whether the output is rounded to bf16.
public func rmsNorm(
  _ x: Tensor, scale: Tensor, epsilon: Double = 1e-5, isNarrow: Bool = false
) -> Tensor {
  apply(RMSNorm(epsilon: epsilon, isNarrow: isNarrow), x, scale)
}

extension CPUBackend: RMSNormKernels {
  /// The output, and the inverse root mean square by row `[rows]`, computed unless given.
  public func rmsNorm(_ operation: RMSNorm, _ x: Tensor, _ scale: Tensor, statistics: Tensor?)
    -> (output: Tensor, statistics: Tensor)
  {
    let output = empty(x.shape, operation.isNarrow ? .bfloat16 : .float32)
    let known = statistics ?? empty([x.shape.rows])
    vd_rms_norm(
      x.shape.rows, x.shape.columns, Float(operation.epsilon), x.f32, scale.f32,
      output.kernelType, output.unsafeAddress, known.f32, statistics != nil)
    return (output, known)
  }

  /// The gradients of input and scale.
  public func rmsNormBackward(
    _ gradient: Tensor, _ x: Tensor, _ scale: Tensor, _ statistics: Tensor
  ) -> (Tensor, Tensor) {
    let (dx, dscale) = (empty(x.shape), empty(scale.shape))
    vd_rms_norm_backward(
      x.shape.rows, x.shape.columns, gradient.kernelType, gradient.unsafeAddress, x.f32,
      scale.f32, statistics.f32, dx.f32, dscale.f32)
    return (dx, dscale)
  }
}

extension ShapeBackend: RMSNormKernels {
  /// Shapes.
  public func rmsNorm(_ operation: RMSNorm, _ x: Tensor, _ scale: Tensor, statistics: Tensor?)
    -> (output: Tensor, statistics: Tensor)
  {
    (
      empty(x.shape, operation.isNarrow ? .bfloat16 : .float32),
      statistics ?? empty([x.shape.rows])
    )
  }
  /// Shapes.
  public func rmsNormBackward(
    _ gradient: Tensor, _ x: Tensor, _ scale: Tensor, _ statistics: Tensor
  ) -> (Tensor, Tensor) {
    (empty(x.shape), empty(scale.shape))
  }
}
