/// Reduces axes, which stay with length 1.
struct Reduce: Primitive {
  let op: Reduction
  let axes: [Int]

  static var name: String { "reduce" }

  func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: [Tensor]?) {
    let output = inputs[0].backend.reduce(op, inputs[0], over: axes)
    return (output, saving ? [inputs[0], output] : nil)
  }

  func backward(_ gradient: Tensor, _ saved: [Tensor], wanted: [Bool]) -> [Tensor?] {
    let (x, y) = (saved[0], saved[1])
    switch op {
    case .sum: return [gradient + .zeros(x.shape, on: x.backend)]
    case .maximum:
      // Equal largest elements share the gradient.
      let largest = x.backend.binary(.equal, x, y)
      return [largest * (gradient / x.backend.reduce(.sum, largest, over: axes))]
    }
  }

  func cost(_ inputs: [Shape], _ output: Shape) -> Cost { .elementwise(inputs, inputs[0]) }

  static var examples: [Example<Reduce>] {
    Reduction.allCases.flatMap { op in
      [
        Example(Reduce(op: op, axes: [1]), .normal([3, 5])),
        Example(Reduce(op: op, axes: [0]), .normal([4, 7])),
        Example(Reduce(op: op, axes: [0, 2]), .normal([2, 3, 4])),
        Example(Reduce(op: op, axes: [0]), .normal([1])),
      ]
    } + [Example(Reduce(op: .sum, axes: [0]), .normal([0, 3]))]
  }
}
