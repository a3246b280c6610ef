import VerdantBase

/// One differentiable operation: a value with a forward rule and a hand-written backward rule.
///
/// Tensors arrive and leave untraced; ``apply(_:_:)`` records them.
public protocol Primitive: Sendable {
  /// What the backward rule needs of the forward pass.
  associatedtype Saved: Sendable

  /// The name in errors, profiles and cost reports.
  static var name: String { get }

  /// True when the operation reads bf16; else its inputs are widened to f32 before.
  static var readsBFloat16: Bool { get }

  /// Computes the output, and what `backward` needs when `saving`.
  func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: Saved?)

  /// The gradient of each input that is `wanted`, given the gradient of the output.
  func backward(_ gradient: Tensor, _ saved: Saved, wanted: [Bool]) -> [Tensor?]

  /// The output again, where that costs little and needs nothing but `saved`; nil where the output
  /// has to be kept for those who use it in their backward rules.
  func recomputation(_ saved: Saved) -> (@Sendable () -> Tensor)?

  /// Adds the gradient of the first input to a sum of its gradients that exists already and that
  /// nobody else shares, given the gradient of the output; nil where `backward` does as well.
  func addition(_ saved: Saved) -> ((_ gradient: Tensor, _ sum: Tensor) -> Void)?

  /// Executed floating-point operations and bytes moved, from shapes alone.
  func cost(_ inputs: [Shape], _ output: Shape) -> Cost

  /// Shapes and settings that checks and benchmarks run.
  static var examples: [Example<Self>] { get }
}

extension Primitive {
  /// False: inputs are widened.
  public static var readsBFloat16: Bool { false }
  /// Nil: `backward` does.
  public func addition(_ saved: Saved) -> ((Tensor, Tensor) -> Void)? { nil }
  /// Nil: outputs are kept.
  public func recomputation(_ saved: Saved) -> (@Sendable () -> Tensor)? { nil }
}

/// A primitive with a kernel of its own that also states its definition in smaller operations.
public protocol FusedPrimitive: Primitive {
  /// The definition: the same value, from operations that every backend has.
  func reference(_ inputs: [Tensor]) -> Tensor

  /// False where the backend has no kernel; `reference` is evaluated instead.
  static func runs(on backend: any Backend) -> Bool
}

/// One use of a primitive for checks and benchmarks.
public struct Example<P: Primitive>: Sendable {
  /// An input of an example.
  public enum Input: Sendable {
    /// Numbers drawn from a normal distribution.
    case normal(Shape)
    /// Numbers drawn from `[0.5, 2)`, for operations that need positive inputs.
    case positive(Shape)
    /// Integers in `0..<limit`, for indices; never differentiated.
    case indices(Shape, limit: Int)

    /// The shape of the input.
    public var shape: Shape {
      switch self {
      case .normal(let shape), .positive(let shape), .indices(let shape, _): shape
      }
    }
  }

  /// The operation with its settings.
  public let primitive: P
  /// Its inputs.
  public let inputs: [Input]

  /// Makes an example.
  public init(_ primitive: P, _ inputs: Input...) {
    self.init(primitive, inputs: inputs)
  }

  /// Makes an example of a list of inputs.
  public init(_ primitive: P, inputs: [Input]) {
    self.primitive = primitive
    self.inputs = inputs
  }
}

/// Applies a primitive; records it when an input is traced.
public func apply<P: Primitive>(_ primitive: P, _ inputs: Tensor...) -> Tensor {
  evaluate(primitive, inputs)
}

/// Applies a primitive to a list of inputs; records it when an input is traced.
public func apply<P: Primitive>(_ primitive: P, to inputs: [Tensor]) -> Tensor {
  evaluate(primitive, inputs)
}

private func evaluate<P: Primitive>(_ primitive: P, _ given: [Tensor]) -> Tensor {
  let inputs =
    P.readsBFloat16
    ? given : given.map { $0.dtype == .bfloat16 ? $0.cast(to: $0.backend.scalarType) : $0 }
  let backend = inputs[0].backend
  for input in inputs.dropFirst() {
    require(
      input.backend === backend,
      "[\(P.name)] inputs live on the backends \(backend.name) and \(input.backend.name)"
    )
  }
  if let fused = primitive as? any FusedPrimitive, !type(of: fused).runs(on: backend) {
    return fused.reference(inputs)
  }
  let tape = tape(of: inputs, P.name)
  let plain = tape == nil ? inputs : inputs.map { $0.untraced() }
  let (output, saved) = primitive.forward(plain, saving: tape != nil)
  backend.observer?.didApply(
    P.name,
    primitive.cost(inputs.map(\.shape), output.shape),
    wanted: inputs.map(\.isTraced)
  )
  guard let tape, let saved else { return output }
  let slots = inputs.map { $0.trace?.slot }
  let wanted = slots.map { $0 != nil }
  let origin = primitive.recomputation(saved).map(Recomputation.init)
  var recorded = tape.record(
    output,
    Tape.Entry(inputs: slots, addition: primitive.addition(saved)) { gradient in
      origin?.release()
      return primitive.backward(gradient, saved, wanted: wanted)
    }
  )
  recorded.origin = origin
  return recorded
}

func tape(of inputs: [Tensor], _ name: String) -> Tape? {
  var found: Tape?
  for case let trace? in inputs.map(\.trace) {
    require(found == nil || found === trace.tape, "[\(name)] inputs of two tapes")
    found = trace.tape
  }
  return found
}
