import Verdant
import VerdantBase
import VerdantCore

/// The inputs of an example as numbers, the same for every backend.
enum InputValues {
  case numbers([Double], Shape)
  case integers([Int32], Shape)

  var shape: Shape {
    switch self {
    case .numbers(_, let shape), .integers(_, let shape): shape
    }
  }

  var isDifferentiable: Bool {
    if case .numbers = self { true } else { false }
  }

  func tensor(on backend: any Backend) -> Tensor {
    switch self {
    case .integers(let values, let shape): backend.tensor(integers: values, shape)
    case .numbers(let values, let shape):
      if let reference = backend as? ReferenceBackend {
        reference.tensor(doubles: values, shape)
      } else {
        backend.tensor(values.map(Float.init), shape)
      }
    }
  }
}

/// Numbers that depend on a seed alone, all exact in single precision.
public func sampleNumbers(_ count: Int, seed: UInt64, positive: Bool = false) -> [Double] {
  let source = RandomSource(seed: seed)
  return (0..<count).map { index in
    let counter = UInt64(index) * 16
    if positive { return Double(Float(0.5 + 1.5 * source.uniform(at: counter))) }
    // Irwin-Hall: near enough to a normal distribution, without a logarithm.
    let sum = (0..<12).reduce(0.0) { $0 + source.uniform(at: counter + UInt64($1)) }
    return Double(Float(sum - 6))
  }
}

extension Example {
  func values(seed: UInt64) -> [InputValues] {
    inputs.enumerated().map { index, input in
      let shape = input.shape
      let seed = seed &* 101 &+ UInt64(index)
      switch input {
      case .normal: return .numbers(sampleNumbers(shape.elementCount, seed: seed), shape)
      case .positive:
        return .numbers(sampleNumbers(shape.elementCount, seed: seed, positive: true), shape)
      case .indices(_, let limit):
        let source = RandomSource(seed: seed)
        let drawn = (0..<shape.elementCount).map {
          Int32(source.uniform(at: UInt64($0)) * Double(limit))
        }
        return .integers(drawn, shape)
      }
    }
  }

  /// The operation, its number in the list of examples, and the shapes.
  func subject(_ index: Int) -> String {
    "\(P.name) example \(index) \(primitive) \(inputs.map(\.shape))"
  }
}

/// Value and gradients of a primitive with the weighted sum of its output as the scalar.
struct Evaluation {
  var output: [Double]
  var gradients: [[Double]]

  init<P: Primitive>(_ primitive: P, _ inputs: [InputValues], on backend: any Backend) {
    let tensors = inputs.map { $0.tensor(on: backend) }
    output = apply(primitive, to: tensors).doubles
    let differentiable = inputs.indices.filter { inputs[$0].isDifferentiable }
    gradients = valueAndGradients(of: differentiable.map { tensors[$0] }) { traced in
      var all = tensors
      for (index, tensor) in zip(differentiable, traced) { all[index] = tensor }
      return Self.scalar(apply(primitive, to: all))
    }.gradients.map(\.doubles)
  }

  static func scalar(_ output: Tensor) -> Tensor {
    let weights = InputValues.numbers(sampleNumbers(output.count, seed: 4711), output.shape)
    return (output * weights.tensor(on: output.backend)).total()
  }

  /// The scalar alone.
  static func value<P: Primitive>(_ primitive: P, _ inputs: [InputValues], on backend: any Backend)
    -> Double
  {
    scalar(apply(primitive, to: inputs.map { $0.tensor(on: backend) })).scalar
  }

  /// All numbers with a name for each list.
  var parts: [(name: String, values: [Double])] {
    [("output", output)] + gradients.enumerated().map { ("gradient \($0)", $1) }
  }
}
