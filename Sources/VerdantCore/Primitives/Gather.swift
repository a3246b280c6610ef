import VerdantBase

/// Rows of a table, by index. Inputs: table `[rows, columns]`, indices.
struct GatherRows: Primitive {
  static var name: String { "gather" }

  struct Saved: Sendable {
    let indices: Tensor
    let rows: Int
  }

  func forward(_ inputs: [Tensor], saving: Bool) -> (output: Tensor, saved: Saved?) {
    let output = inputs[0].backend.gatherRows(inputs[0], inputs[1])
    return (output, saving ? Saved(indices: inputs[1], rows: inputs[0].shape[0]) : nil)
  }

  func backward(_ gradient: Tensor, _ saved: Saved, wanted: [Bool]) -> [Tensor?] {
    [gradient.backend.scatterAddRows(gradient, saved.indices, count: saved.rows), nil]
  }

  // Most rows of the table's gradient are 0.
  func addition(_ saved: Saved) -> ((Tensor, Tensor) -> Void)? {
    { $0.backend.scatterAddRows($0, saved.indices, into: $1) }
  }

  func cost(_ inputs: [Shape], _ output: Shape) -> Cost { .movement([inputs[1], output], output) }

  static var examples: [Example<GatherRows>] {
    [
      Example(GatherRows(), .normal([5, 3]), .indices([2, 4], limit: 5)),
      Example(GatherRows(), .normal([1, 7]), .indices([3], limit: 1)),
      Example(GatherRows(), .normal([4, 130]), .indices([0], limit: 4)),
    ]
  }
}

/// Rows of a table by index.
///
/// - Parameters:
///   - table: `[rows, columns]`.
///   - indices: Integers in `0..<rows`, any shape.
/// - Returns: `[..., columns]`.
public func gatherRows(_ table: Tensor, _ indices: Tensor) -> Tensor {
  require(
    table.shape.rank == 2 && indices.dtype == .int32,
    "[gather] table \(table.shape) and \(indices.dtype) indices \(indices.shape)"
  )
  return apply(GatherRows(), table, indices)
}
