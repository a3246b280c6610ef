import VerdantNN

extension ONNXBuilder {
  /// The vectors of a sequence as one, `[batch, width]`.
  ///
  /// - Parameter mask: Which tokens exist, `[batch, length]`; nil for all.
  mutating func pooled(_ x: Value, _ pooling: Pooling, _ mask: Value?) -> Value {
    switch pooling {
    case .first:
      return graph.node("Gather", x, graph.integer(0), attributes: ["axis": .integer(1)])
    case .last:
      guard let mask else {
        return graph.node("Gather", x, graph.integer(-1), attributes: ["axis": .integer(1)])
      }
      // Tokens that exist stand in front: the last one is at their number less one.
      let count = graph.node(
        "ReduceSum", mask, graph.integers([1]), attributes: ["keepdims": .integer(1)])
      let place = graph.node(
        "Max", graph.node("Sub", count, graph.integer(1)), graph.integer(0))
      let rows = graph.node("GatherND", x, place, attributes: ["batch_dims": .integer(1)])
      return rows
    case .mean:
      guard let exists = existing(mask) else {
        return graph.node(
          "ReduceMean", x, attributes: ["axes": .integers([1]), "keepdims": .integer(0)])
      }
      let sum = graph.node(
        "ReduceSum", graph.node("Mul", x, exists), graph.integers([1]),
        attributes: ["keepdims": .integer(0)])
      let count = graph.node(
        "ReduceSum", exists, graph.integers([1]), attributes: ["keepdims": .integer(0)])
      return graph.node("Div", sum, graph.node("Max", count, graph.number(1)))
    case .maximum:
      guard let mask, let exists = existing(mask) else {
        return graph.node(
          "ReduceMax", x, attributes: ["axes": .integers([1]), "keepdims": .integer(0)])
      }
      let known = graph.node(
        "Where", graph.node("Cast", exists, attributes: ["to": .integer(9)]), x,
        graph.number(-1e30))
      let largest = graph.node(
        "ReduceMax", known, attributes: ["axes": .integers([1]), "keepdims": .integer(0)])
      let hasTokens = graph.node(
        "ReduceMax", exists, attributes: ["axes": .integers([1]), "keepdims": .integer(0)])
      return graph.node("Mul", largest, hasTokens)
    }
  }

  /// 1 where a token exists and 0 elsewhere, `[batch, length, 1]`; nil where all exist.
  private mutating func existing(_ mask: Value?) -> Value? {
    mask.map { mask in
      graph.node(
        "Cast", graph.node("Unsqueeze", mask, graph.integers([2])),
        attributes: ["to": .integer(1)])
    }
  }
}
