import VerdantBase
internal import CVerdant

/// The head and the loss in one: mean over counted rows of `-log softmax(x Wᵀ)[target]`, in
/// chunks, so that the logits never exist whole. Gradients are computed while the logits of a
/// chunk are at hand and scaled in the backward pass.
///
/// Inputs: x `[..., width]`, weight `[vocabulary, width]`, targets as integers `[...]`; rows with
/// a negative target do not count. Output: `[1]`, 0 when no row counts.
public struct LinearCrossEntropy: FusedPrimitive {
  /// The share of each target that is spread evenly over the vocabulary (Szegedy et al. 2016).
  public let smoothing: Double

  /// Makes the operation.
  public init(smoothing: Double = 0) {
    require(
      smoothing >= 0 && smoothing < 1,
      "[linear-cross-entropy] smoothing \(smoothing), expected 0 up to below 1")
    self.smoothing = smoothing
  }

  /// The name in errors and profiles.
  public static var name: String { "linear-cross-entropy" }
  /// True: with x in bf16 the weight is read in bf16, too; logits and loss are f32.
  public static var readsBFloat16: Bool { true }

  /// The gradients for an upstream gradient of 1.
  public struct Saved: Sendable {
    let dx: Tensor
    let dw: Tensor
  }

  private func check(_ inputs: [Tensor]) {
    let (x, w, targets) = (inputs[0].shape, inputs[1].shape, inputs[2])
    require(
      w.rank == 2 && x.columns == w[1] && targets.count == x.rows && targets.dtype == .int32,
      "[linear-cross-entropy] shapes \(x), \(w), \(targets.dtype) \(targets.shape)"
    )
  }

  fileprivate func check(_ targets: some Sequence<Int32>, below vocabulary: Int) {
    for target in targets {
      require(
        target < vocabulary,
        "[linear-cross-entropy] target \(target) of \(vocabulary) classes"
      )
    }
  }

  /// Computes the loss, and when `saving` the gradients.
  public func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: Saved?) {
    check(inputs)
    guard let kernels = inputs[0].backend as? any LinearCrossEntropyKernels else {
      trap("[linear-cross-entropy] no kernel on \(inputs[0].backend.name)")
    }
    return kernels.linearCrossEntropy(
      self, inputs[0], inputs[1], inputs[2], saving: saving)
  }

  /// Scales the gradients.
  public func backward(_ gradient: Tensor, _ saved: Saved, wanted: [Bool]) -> [Tensor?] {
    guard gradient.scalar != 1 else {
      return [wanted[0] ? saved.dx : nil, wanted[1] ? saved.dw : nil, nil]
    }
    let dx = wanted[0] ? (saved.dx * gradient).cast(to: saved.dx.dtype) : nil
    return [dx, wanted[1] ? saved.dw * gradient : nil, nil]
  }

  /// The definition, with all logits at once.
  public func reference(_ inputs: [Tensor]) -> Tensor {
    check(inputs)
    let (x, weight) = (inputs[0], inputs[1])
    let targets = inputs[2].integers
    let vocabulary = weight.shape[0]
    check(targets, below: vocabulary)
    let counted = targets.filter { $0 >= 0 }.count
    var chosen = [Float](repeating: 0, count: targets.count * vocabulary)
    for (row, target) in targets.enumerated() where target >= 0 {
      for place in row * vocabulary..<(row + 1) * vocabulary {
        chosen[place] = Float(smoothing / Double(vocabulary))
      }
      chosen[row * vocabulary + Int(target)] += Float(1 - smoothing)
    }
    let logits = matmul(
      x.reshaped(to: [x.shape.rows, x.shape.columns]),
      weight,
      transposeB: true
    )
    let shifted = logits - logits.maximum(over: 1).detached()
    let logProbabilities = shifted - log(exp(shifted).sum(over: 1))
    let mask = Tensor(chosen, logits.shape, on: x.backend)
    return -(logProbabilities * mask).total() / Double(max(counted, 1))
  }

  /// True where a kernel exists.
  public static func runs(on backend: any Backend) -> Bool {
    backend is any LinearCrossEntropyKernels
  }

  /// Work: the head's product, and five operations a logit, six with smoothing; backward two products.
  public func cost(_ inputs: [Shape], _ output: Shape) -> Cost {
    let logits = Double(inputs[0].rows) * Double(inputs[1][0])
    let product = 2 * logits * Double(inputs[0].columns)
    let elements = inputs.reduce(0) { $0 + $1.elementCount }
    return Cost(
      forward: product + (smoothing > 0 ? 6 : 5) * logits,
      backward: [product + logits, product, 0],
      bytes: 4 * Double(elements)
    )
  }

  /// Shapes for checks and benchmarks.
  public static var examples: [Example<LinearCrossEntropy>] {
    [
      Example(
        LinearCrossEntropy(),
        .normal([3, 5]),
        .normal([7, 5]),
        .indices([3], limit: 7)
      ),
      Example(
        LinearCrossEntropy(),
        .normal([2, 33, 9]),
        .normal([257, 9]),
        .indices([2, 33], limit: 257)
      ),
      Example(
        LinearCrossEntropy(smoothing: 0.1), .normal([2, 20, 9]), .normal([131, 9]),
        .indices([2, 20], limit: 131)),
      Example(
        LinearCrossEntropy(smoothing: 0.9), .normal([3, 2]), .normal([2, 2]),
        .indices([3], limit: 2)),
      Example(LinearCrossEntropy(), .normal([1, 1]), .normal([1, 1]), .indices([1], limit: 1)),
    ]
  }
}

/// The kernel of ``LinearCrossEntropy``.
public protocol LinearCrossEntropyKernels: Backend {
  /// The mean loss, and when `saving` its gradients.
  func linearCrossEntropy(
    _ operation: LinearCrossEntropy, _ x: Tensor, _ weight: Tensor, _ targets: Tensor, saving: Bool
  ) -> (output: Tensor, saved: LinearCrossEntropy.Saved?)
}

/// Mean cross-entropy of the logits `x Wᵀ`, in nats.
///
/// - Parameters:
///   - x: `[..., width]`.
///   - weight: `[vocabulary, width]`.
///   - targets: Integers `[...]` below the vocabulary; negative ones do not count.
///   - smoothing: The share of each target that is spread evenly over the vocabulary.
/// - Returns: `[1]`.
public func linearCrossEntropy(
  _ x: Tensor, _ weight: Tensor, targets: Tensor, smoothing: Double = 0
) -> Tensor {
  apply(LinearCrossEntropy(smoothing: smoothing), x, weight, targets)
}

extension CPUBackend: LinearCrossEntropyKernels {
  /// The mean loss, and when `saving` its gradients.
  public func linearCrossEntropy(
    _ operation: LinearCrossEntropy, _ x: Tensor, _ weight: Tensor, _ targets: Tensor, saving: Bool
  ) -> (output: Tensor, saved: LinearCrossEntropy.Saved?) {
    targets.withUnsafeElements(as: Int32.self) {
      operation.check($0, below: weight.shape[0])
    }
    let saved =
      saving
      ? LinearCrossEntropy.Saved(dx: empty(x.shape, x.dtype), dw: empty(weight.shape)) : nil
    let matrix = x.dtype == .bfloat16 ? weight.narrowed(keeping: !saving) : weight
    let loss = withExtendedLifetime(matrix) {
      vd_linear_cross_entropy(
        x.shape.rows, x.shape.columns, weight.shape[0], x.kernelType, x.unsafeAddress,
        matrix.unsafeAddress, targets.i32, Float(operation.smoothing), saved?.dx.unsafeAddress,
        saved?.dw.f32)
    }
    return (fill(loss, [1], .float32), saved)
  }
}

extension ShapeBackend: LinearCrossEntropyKernels {
  /// Shapes.
  public func linearCrossEntropy(
    _ operation: LinearCrossEntropy, _ x: Tensor, _ weight: Tensor, _ targets: Tensor, saving: Bool
  ) -> (output: Tensor, saved: LinearCrossEntropy.Saved?) {
    memory?.useScratch(
      caller: vd_linear_cross_entropy_scratch(
        x.shape.rows, weight.shape[0], x.dtype == .bfloat16 ? VD_BF16 : VD_F32))
    let saved =
      saving
      ? LinearCrossEntropy.Saved(dx: empty(x.shape, x.dtype), dw: empty(weight.shape)) : nil
    if x.dtype == .bfloat16 { _ = weight.narrowed(keeping: !saving) }
    return (empty([1]), saved)
  }
}
