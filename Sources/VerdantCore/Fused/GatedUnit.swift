import VerdantBase
internal import CVerdant

/// `activation(gate) · up` by element: the middle of gated feed-forward networks (Shazeer 2020).
/// Inputs: gate and up of one shape and one form, which the output has, too.
public struct GatedUnit: FusedPrimitive {
  /// Applied to the gate.
  public let activation: Activation

  /// Makes the operation.
  public init(_ activation: Activation) { self.activation = activation }

  /// The name in errors and profiles.
  public static var name: String { "gated-unit" }
  /// True.
  public static var readsBFloat16: Bool { true }

  /// Both inputs.
  public struct Saved: Sendable {
    let gate: Tensor
    let up: Tensor
  }

  private static func kernels(_ x: Tensor) -> any GatedUnitKernels {
    guard let kernels = x.backend as? any GatedUnitKernels else {
      trap("[gated-unit] the backend \(x.backend.name) has no kernel")
    }
    return kernels
  }

  private func check(_ inputs: [Tensor]) {
    require(
      inputs.count == 2 && inputs[0].shape == inputs[1].shape
        && inputs[0].dtype == inputs[1].dtype,
      "[gated-unit] \(inputs.map { "\($0.dtype) \($0.shape)" }), two alike expected")
  }

  /// Computes the output.
  public func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: Saved?) {
    check(inputs)
    let (gate, up) = (inputs[0], inputs[1])
    let output = Self.kernels(gate).gated(gate, up, activation)
    return (output, saving ? Saved(gate: gate, up: up) : nil)
  }

  /// The output again, from the inputs.
  public func recomputation(_ saved: Saved) -> (@Sendable () -> Tensor)? {
    { Self.kernels(saved.gate).gated(saved.gate, saved.up, activation) }
  }

  /// Computes the gradients.
  public func backward(_ gradient: Tensor, _ saved: Saved, wanted: [Bool]) -> [Tensor?] {
    let (dgate, dup) = Self.kernels(gradient).gatedBackward(
      gradient, saved.gate, saved.up, activation)
    return [dgate, dup]
  }

  /// The definition.
  public func reference(_ inputs: [Tensor]) -> Tensor {
    check(inputs)
    return activation(inputs[0]) * inputs[1]
  }

  /// True where a kernel exists.
  public static func runs(on backend: any Backend) -> Bool { backend is any GatedUnitKernels }

  /// Work: the activation and a product by element; backward both again and two products more.
  public func cost(_ inputs: [Shape], _ output: Shape) -> Cost {
    var cost = Cost.elementwise(inputs, output, activation.operations + 1)
    let elements = Double(output.elementCount)
    cost.backward = [
      elements * (activation.operations + 2), elements * (activation.operations + 1),
    ]
    return cost
  }

  /// Shapes for checks and benchmarks.
  public static var examples: [Example<GatedUnit>] {
    Activation.allCases.map { Example(GatedUnit($0), .normal([3, 37]), .normal([3, 37])) } + [
      Example(GatedUnit(.silu), .normal([1]), .normal([1])),
      Example(GatedUnit(.gelu), .normal([2, 601]), .normal([2, 601])),
      Example(GatedUnit(.silu), .normal([0, 4]), .normal([0, 4])),
    ]
  }
}

/// The kernels of ``GatedUnit``.
public protocol GatedUnitKernels: Backend {
  /// `activation(gate) · up` in the form of both.
  func gated(_ gate: Tensor, _ up: Tensor, _ activation: Activation) -> Tensor
  /// The gradients of gate and up.
  func gatedBackward(_ gradient: Tensor, _ gate: Tensor, _ up: Tensor, _ activation: Activation)
    -> (Tensor, Tensor)
}

/// `activation(gate) · up` by element.
public func gatedUnit(_ gate: Tensor, _ up: Tensor, _ activation: Activation) -> Tensor {
  apply(GatedUnit(activation), gate, up)
}

extension CPUBackend: GatedUnitKernels {
  /// `activation(gate) · up` in the form of both.
  public func gated(_ gate: Tensor, _ up: Tensor, _ activation: Activation) -> Tensor {
    let result = empty(gate.shape, gate.dtype)
    vd_gated_unit(
      activation.kernel, gate.kernelType, gate.count, gate.unsafeAddress, up.unsafeAddress,
      result.unsafeAddress)
    return result
  }

  /// The gradients of gate and up.
  public func gatedBackward(
    _ gradient: Tensor, _ gate: Tensor, _ up: Tensor, _ activation: Activation
  ) -> (Tensor, Tensor) {
    let dy = cast(gradient, to: gate.dtype)
    let (dgate, dup) = (empty(gate.shape, gate.dtype), empty(gate.shape, gate.dtype))
    vd_gated_unit_backward(
      activation.kernel, gate.kernelType, gate.count, dy.unsafeAddress, gate.unsafeAddress,
      up.unsafeAddress, dgate.unsafeAddress, dup.unsafeAddress)
    return (dgate, dup)
  }
}

extension ShapeBackend: GatedUnitKernels {
  /// A shape.
  public func gated(_ gate: Tensor, _ up: Tensor, _ activation: Activation) -> Tensor {
    empty(gate.shape, gate.dtype)
  }
  /// Shapes.
  public func gatedBackward(
    _ gradient: Tensor, _ gate: Tensor, _ up: Tensor, _ activation: Activation
  ) -> (Tensor, Tensor) {
    let dy = cast(gradient, to: gate.dtype)
    return withExtendedLifetime(dy) {
      (empty(gate.shape, gate.dtype), empty(gate.shape, gate.dtype))
    }
  }
}
