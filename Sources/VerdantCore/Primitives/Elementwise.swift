/// An operation of one number, by element.
struct Unary: Primitive {
  let op: UnaryOperation

  static var name: String { "unary" }

  func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: [Tensor]?) {
    let output = inputs[0].backend.unary(op, inputs[0])
    return (output, saving ? [inputs[0], output] : nil)
  }

  func backward(_ gradient: Tensor, _ saved: [Tensor], wanted: [Bool]) -> [Tensor?] {
    let (x, y) = (saved[0], saved[1])
    switch op {
    case .negate: return [-gradient]
    case .exp: return [gradient * y]
    case .log: return [gradient / x]
    case .squareRoot: return [gradient / (y + y)]
    case .reciprocal: return [-(gradient * (y * y))]
    case .tanh: return [gradient - gradient * (y * y)]
    case .step: return [.zeros(x.shape, on: x.backend)]
    }
  }

  func cost(_ inputs: [Shape], _ output: Shape) -> Cost { .elementwise(inputs, output) }

  static var examples: [Example<Unary>] {
    UnaryOperation.allCases.flatMap { op in
      [Example(Unary(op: op), .positive([3, 5])), Example(Unary(op: op), .positive([1]))]
    } + [Example(Unary(op: .exp), .normal([0, 4])), Example(Unary(op: .tanh), .normal([7, 19]))]
  }
}

/// An operation of two numbers, by element; missing and length-1 axes are repeated.
struct Binary: Primitive {
  let op: BinaryOperation

  static var name: String { "binary" }

  func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: [Tensor]?) {
    (inputs[0].backend.binary(op, inputs[0], inputs[1]), saving ? inputs : nil)
  }

  func backward(_ gradient: Tensor, _ saved: [Tensor], wanted: [Bool]) -> [Tensor?] {
    let (a, b) = (saved[0], saved[1])
    func parts() -> (Tensor?, Tensor?) {
      switch op {
      case .add: return (gradient, gradient)
      case .subtract: return (gradient, wanted[1] ? -gradient : nil)
      case .multiply:
        return (wanted[0] ? gradient * b : nil, wanted[1] ? gradient * a : nil)
      case .divide:
        return (wanted[0] ? gradient / b : nil, wanted[1] ? -(gradient * a) / (b * b) : nil)
      case .maximum:
        // Ties go to the right operand.
        let left = a.backend.unary(.step, a - b)
        return (gradient * left, gradient - gradient * left)
      case .equal: return (nil, nil)
      }
    }
    let (left, right) = parts()
    return [
      wanted[0] ? left?.summed(to: a.shape) : nil, wanted[1] ? right?.summed(to: b.shape) : nil,
    ]
  }

  func cost(_ inputs: [Shape], _ output: Shape) -> Cost { .elementwise(inputs, output) }

  static var examples: [Example<Binary>] {
    BinaryOperation.allCases.filter { $0 != .equal }.flatMap { op in
      [
        Example(Binary(op: op), .positive([3, 5]), .positive([3, 5])),
        Example(Binary(op: op), .positive([2, 3, 5]), .positive([5])),
        Example(Binary(op: op), .positive([4, 3]), .positive([4, 1])),
        Example(Binary(op: op), .positive([1]), .positive([2, 2])),
        Example(Binary(op: op), .positive([2, 1, 3]), .positive([4, 1])),
        Example(Binary(op: op), .positive([0, 3]), .positive([3])),
      ]
    }
  }
}

extension Tensor {
  /// Sums the axes along which a tensor of `shape` was repeated to give this one.
  fileprivate func summed(to shape: Shape) -> Tensor {
    if self.shape == shape { return self }
    let missing = self.shape.rank - shape.rank
    let axes = self.shape.indices.filter { axis in
      axis < missing || (shape[axis - missing] == 1 && self.shape[axis] != 1)
    }
    return backend.reduce(.sum, self, over: axes).reshaped(to: shape)
  }
}
