public import VerdantCore

/// Gradients by parameter name, in the order of the model's parameters.
public struct Gradients: Sendable {
  /// The names, in the order of the model.
  public private(set) var names: [String] = []
  private var values: [String: Tensor] = [:]

  /// No gradients.
  public init() {}

  /// The gradient of a parameter; nil when the loss does not depend on it or it is frozen.
  public subscript(name: String) -> Tensor? {
    get { values[name] }
    set {
      if newValue != nil && values[name] == nil { names.append(name) }
      if newValue == nil { names.removeAll { $0 == name } }
      values[name] = newValue
    }
  }

  /// Adds other gradients by name.
  public mutating func add(_ other: Gradients) {
    for name in other.names {
      guard let more = other[name] else { continue }
      if let sum = values.removeValue(forKey: name) {
        values[name] = sum + more
      } else {
        self[name] = more
      }
    }
  }

  /// The square root of the sum of all squares, summed in double precision in a fixed order.
  public var norm: Double {
    names.reduce(0.0) { $0 + (values[$1].map(sumOfSquares) ?? 0) }.squareRoot()
  }
}

/// Evaluates a loss and its gradients for every trainable parameter of a model.
///
/// - Parameters:
///   - model: The model; it is not changed.
///   - context: Mode, randomness and auxiliary losses of the forward pass.
///   - loss: Returns a tensor with one element.
public func valueAndGradients<M: Module>(
  of model: M,
  _ context: inout Context,
  _ loss: (M, inout Context) throws -> Tensor
) rethrows -> (value: Double, gradients: Gradients) {
  var names: [String] = []
  var inputs: [Tensor] = []
  model.forEachParameter { name, parameter in
    guard parameter.isTrainable else { return }
    names.append(name)
    inputs.append(parameter.value)
  }
  let (value, found) = try valueAndSparseGradients(of: inputs) { leaves in
    var traced = model
    var next = 0
    traced.updateParameters { _, parameter in
      guard parameter.isTrainable else { return }
      parameter.value = leaves[next]
      next += 1
    }
    return try loss(traced, &context)
  }
  var gradients = Gradients()
  for (name, gradient) in zip(names, found) { gradients[name] = gradient }
  return (value.scalar, gradients)
}
