import VerdantBase
internal import CVerdant

/// Layer normalization (Ba et al. 2016): `(x - mean) / sqrt(variance + ε) · scale + bias` by row.
/// Inputs: x `[..., width]`, scale `[width]`, bias `[width]` if present. Reads and sums in f32; the
/// output may be rounded to bf16.
public struct LayerNorm: FusedPrimitive {
  /// Added to the variance.
  public let epsilon: Double

  /// True when the output is rounded to bf16.
  public let isNarrow: Bool

  /// Makes the operation.
  public init(epsilon: Double = 1e-5, isNarrow: Bool = false) {
    self.epsilon = epsilon
    self.isNarrow = isNarrow
  }

  /// The name in errors and profiles.
  public static var name: String { "layer-norm" }

  /// Input, scale, and mean and inverse deviation of each row.
  public struct Saved: Sendable {
    let x: Tensor
    let scale: Tensor
    let bias: Tensor?
    let statistics: Tensor
  }

  private static func kernels(_ x: Tensor) -> any LayerNormKernels {
    guard let kernels = x.backend as? any LayerNormKernels else {
      trap("[layer-norm] the backend \(x.backend.name) has no kernel")
    }
    return kernels
  }

  /// Computes the output.
  public func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: Saved?) {
    let x = inputs[0]
    require(
      x.shape.columns > 0 && inputs.dropFirst().allSatisfy { $0.shape == [x.shape.columns] },
      "[layer-norm] shapes \(inputs.map(\.shape)); [..., width], [width] and [width] expected"
    )
    let bias = inputs.count > 2 ? inputs[2] : nil
    let (output, statistics) = Self.kernels(x).layerNorm(
      self, x, inputs[1], bias, statistics: nil)
    guard saving else { return (output, nil) }
    return (output, Saved(x: x, scale: inputs[1], bias: bias, statistics: statistics))
  }

  /// The output again, from the saved statistics.
  public func recomputation(_ saved: Saved) -> (@Sendable () -> Tensor)? {
    {
      Self.kernels(saved.x).layerNorm(
        self, saved.x, saved.scale, saved.bias, statistics: saved.statistics
      ).output
    }
  }

  /// Computes the gradients.
  public func backward(_ gradient: Tensor, _ saved: Saved, wanted: [Bool]) -> [Tensor?] {
    let (dx, dscale, dbias) = Self.kernels(gradient).layerNormBackward(
      gradient, saved.x, saved.scale, saved.statistics, hasBias: saved.bias != nil)
    return saved.bias != nil ? [dx, dscale, dbias] : [dx, dscale]
  }

  /// The definition.
  public func reference(_ inputs: [Tensor]) -> Tensor {
    let x = inputs[0]
    let last = x.shape.rank - 1
    let centered = x - x.mean(over: last)
    let variance = (centered * centered).mean(over: last)
    let normal = centered / squareRoot(variance + epsilon) * inputs[1]
    return inputs.count > 2 ? normal + inputs[2] : normal
  }

  /// True where a kernel exists.
  public static func runs(on backend: any Backend) -> Bool { backend is any LayerNormKernels }

  /// Work: about eight operations an element forward, eleven backward.
  public func cost(_ inputs: [Shape], _ output: Shape) -> Cost {
    var cost = Cost.elementwise(inputs, output, 8)
    let elements = Double(output.elementCount)
    cost.backward = [elements * 9, elements * 2, elements].prefix(inputs.count).map { $0 }
    return cost
  }

  /// Shapes for checks and benchmarks.
  public static var examples: [Example<LayerNorm>] {
    [
      Example(LayerNorm(), .normal([3, 5]), .normal([5]), .normal([5])),
      Example(LayerNorm(), .normal([2, 67, 19]), .normal([19])),
      Example(LayerNorm(), .normal([1, 2]), .normal([2]), .normal([2])),
      Example(LayerNorm(epsilon: 1e-3), .normal([0, 4]), .normal([4]), .normal([4])),
    ]
  }
}

/// The kernels of ``LayerNorm``.
public protocol LayerNormKernels: Backend {
  /// The output, and mean and inverse deviation by row `[rows, 2]`, computed unless given.
  func layerNorm(
    _ operation: LayerNorm, _ x: Tensor, _ scale: Tensor, _ bias: Tensor?, statistics: Tensor?
  ) -> (output: Tensor, statistics: Tensor)
  /// The gradients of input, scale and bias.
  func layerNormBackward(
    _ gradient: Tensor, _ x: Tensor, _ scale: Tensor, _ statistics: Tensor, hasBias: Bool
  ) -> (Tensor, Tensor, Tensor?)
}

/// Layer normalization of the last axis.
///
/// - Parameters:
///   - x: `[..., width]`.
///   - scale: `[width]`.
///   - bias: `[width]`.
///   - isNarrow: Whether the output is rounded to bf16.
public func layerNorm(
  _ x: Tensor, scale: Tensor, bias: Tensor? = nil, epsilon: Double = 1e-5, isNarrow: Bool = false
) -> Tensor {
  apply(
    LayerNorm(epsilon: epsilon, isNarrow: isNarrow), to: [x, scale] + (bias.map { [$0] } ?? []))
}

extension CPUBackend: LayerNormKernels {
  /// The output, and mean and inverse deviation by row `[rows, 2]`, computed unless given.
  public func layerNorm(
    _ operation: LayerNorm, _ x: Tensor, _ scale: Tensor, _ bias: Tensor?, statistics: Tensor?
  ) -> (output: Tensor, statistics: Tensor) {
    let output = empty(x.shape, operation.isNarrow ? .bfloat16 : .float32)
    let known = statistics ?? empty([x.shape.rows, 2])
    vd_layer_norm(
      x.shape.rows, x.shape.columns, Float(operation.epsilon), x.f32, scale.f32, bias?.f32,
      output.kernelType, output.unsafeAddress, known.f32, statistics != nil)
    return (output, known)
  }

  /// The gradients of input, scale and bias.
  public func layerNormBackward(
    _ gradient: Tensor, _ x: Tensor, _ scale: Tensor, _ statistics: Tensor, hasBias: Bool
  ) -> (Tensor, Tensor, Tensor?) {
    let dx = empty(x.shape)
    let dscale = empty(scale.shape)
    let dbias = hasBias ? empty(scale.shape) : nil
    vd_layer_norm_backward(
      x.shape.rows, x.shape.columns, gradient.kernelType, gradient.unsafeAddress, x.f32, scale.f32,
      statistics.f32, dx.f32, dscale.f32, dbias?.f32)
    return (dx, dscale, dbias)
  }
}

extension ShapeBackend: LayerNormKernels {
  /// Shapes.
  public func layerNorm(
    _ operation: LayerNorm, _ x: Tensor, _ scale: Tensor, _ bias: Tensor?, statistics: Tensor?
  ) -> (output: Tensor, statistics: Tensor) {
    (
      empty(x.shape, operation.isNarrow ? .bfloat16 : .float32),
      statistics ?? empty([x.shape.rows, 2])
    )
  }
  /// Shapes.
  public func layerNormBackward(
    _ gradient: Tensor, _ x: Tensor, _ scale: Tensor, _ statistics: Tensor, hasBias: Bool
  ) -> (Tensor, Tensor, Tensor?) {
    (empty(x.shape), empty(scale.shape), hasBias ? empty(scale.shape) : nil)
  }
}
