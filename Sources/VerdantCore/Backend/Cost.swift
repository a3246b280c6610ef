/// Executed work of one operation: a multiply-add counts as two floating-point operations.
public struct Cost: Sendable, Equatable {
  /// Operations of the forward rule.
  public var forward: Double
  /// Operations of the backward rule for each input, when it is wanted.
  public var backward: [Double]
  /// Bytes that the forward rule reads and writes at least.
  public var bytes: Double

  /// Makes a cost.
  public init(forward: Double, backward: [Double], bytes: Double) {
    self.forward = forward
    self.backward = backward
    self.bytes = bytes
  }

  /// The cost of a pass that spends `operations` per output element, forward and backward.
  public static func elementwise(_ inputs: [Shape], _ output: Shape, _ operations: Double = 1)
    -> Cost
  {
    let elements = Double(output.elementCount)
    let moved = inputs.reduce(elements) { $0 + Double($1.elementCount) } * 4
    return Cost(
      forward: elements * operations,
      backward: inputs.map { _ in elements * operations },
      bytes: moved
    )
  }

  /// The cost of an operation that only moves elements.
  public static func movement(_ inputs: [Shape], _ output: Shape) -> Cost {
    var cost = elementwise(inputs, output)
    cost.forward = 0
    cost.backward = inputs.map { _ in 0 }
    return cost
  }
}

/// Receives every operation that a backend runs.
public protocol OperationObserver: Sendable {
  /// Called after a primitive ran. `wanted` tells which inputs are differentiated.
  func didApply(_ name: String, _ cost: Cost, wanted: [Bool])
}
