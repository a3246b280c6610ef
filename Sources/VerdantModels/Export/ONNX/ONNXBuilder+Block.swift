import VerdantBase
import VerdantCore
import VerdantNN

extension ONNXBuilder {
  /// What a decoder reads of its encoder: vectors, and which of them exist.
  typealias Reading = (vectors: Value, keyMask: Value?)

  /// A block: its parts joined as the arrangement says.
  mutating func block(
    _ block: Block, _ name: String, _ x: Value, _ sequence: inout Sequence, _ reading: Reading?
  ) throws(ConfigError) -> Value {
    switch block.config.arrangement {
    case .preNorm:
      var sum = add(
        x,
        try mixed(
          block, name, try norm(block.mixerNorm, "\(name).mixerNorm", x), &sequence))
      if let cross = block.crossAttention, let crossNorm = block.crossNorm, let reading {
        let normal = try norm(crossNorm, "\(name).crossNorm", sum)
        sum = add(sum, try crossed(cross, "\(name).crossAttention", normal, reading))
      }
      let normal =
        try block.feedForwardNorm.map { part throws(ConfigError) in
          try norm(part, "\(name).feedForwardNorm", sum)
        } ?? sum
      return add(sum, try network(block.feedForward, "\(name).feedForward", normal))
    case .postNorm:
      var sum = try norm(
        block.mixerNorm, "\(name).mixerNorm", add(x, try mixed(block, name, x, &sequence)))
      if let cross = block.crossAttention, let crossNorm = block.crossNorm, let reading {
        let read = try crossed(cross, "\(name).crossAttention", sum, reading)
        sum = try norm(crossNorm, "\(name).crossNorm", add(sum, read))
      }
      let all = add(sum, try network(block.feedForward, "\(name).feedForward", sum))
      guard let last = block.feedForwardNorm else { return all }
      return try norm(last, "\(name).feedForwardNorm", all)
    case .parallel:
      let normal = try norm(block.mixerNorm, "\(name).mixerNorm", x)
      let sum = add(x, try mixed(block, name, normal, &sequence))
      return add(sum, try network(block.feedForward, "\(name).feedForward", normal))
    }
  }

  private mutating func add(_ x: Value, _ y: Value) -> Value { graph.node("Add", x, y) }

  private mutating func mixed(
    _ block: Block, _ name: String, _ x: Value, _ sequence: inout Sequence
  ) throws(ConfigError) -> Value {
    guard let attention = block.mixer as? SoftmaxAttention else {
      throw unsupported(
        "the token mixer '\(type(of: block.mixer).kind)'", "\(name).mixer",
        "'\(SoftmaxAttention.kind)'")
    }
    return try self.attention(attention, "\(name).mixer", x, &sequence)
  }

  /// A feed-forward network.
  private mutating func network(_ part: any FeedForward, _ name: String, _ x: Value)
    throws(ConfigError) -> Value
  {
    switch part {
    case let mlp as MLP:
      let inner = try linear(mlp.up, "\(name).up", x)
      return try linear(mlp.down, "\(name).down", activated(inner, mlp.options.activation))
    case let gated as GatedMLP:
      let gate = activated(try linear(gated.gate, "\(name).gate", x), gated.options.activation)
      let up = try linear(gated.up, "\(name).up", x)
      graph.scope = name
      return try linear(gated.down, "\(name).down", graph.node("Mul", gate, up))
    default:
      throw unsupported(
        "the feed-forward network '\(type(of: part).kind)'", name,
        "'\(MLP.kind)' or '\(GatedMLP.kind)'")
    }
  }

  mutating func activated(_ x: Value, _ activation: Activation) -> Value {
    switch activation {
    case .none: return x
    case .relu: return graph.node("Relu", x)
    case .silu: return graph.node("Mul", x, graph.node("Sigmoid", x))
    case .tanh: return graph.node("Tanh", x)
    case .geluExact:
      let error = graph.node("Erf", graph.node("Mul", x, graph.number(0.7071067811865476)))
      let gate = graph.node("Add", error, graph.number(1))
      return graph.node("Mul", graph.node("Mul", x, graph.number(0.5)), gate)
    case .gelu:
      let cube = graph.node("Mul", graph.node("Mul", x, x), x)
      let bent = graph.node(
        "Add", x, graph.node("Mul", cube, graph.number(0.044715)))
      let angle = graph.node("Mul", bent, graph.number(0.7978845608028654))
      let gate = graph.node("Add", graph.node("Tanh", angle), graph.number(1))
      return graph.node("Mul", graph.node("Mul", x, graph.number(0.5)), gate)
    }
  }

  /// A linear map; a structure without operations of its own as the matrix it stands for.
  mutating func linear(_ map: any LinearMap, _ name: String, _ x: Value) throws(ConfigError)
    -> Value
  {
    graph.scope = name
    var y: Value
    var bias: Tensor?
    switch map {
    case let map as Dense:
      y = product(x, "\(name).weight", map.weight.value)
      bias = map.bias?.value
    case let map as LowRank:
      y = product(product(x, "\(name).down", map.down.value), "\(name).up", map.up.value)
      bias = map.bias?.value
    default:
      y = product(x, "\(name).weight", map.matrix())
      bias = map.biasValue
    }
    guard let bias else { return y }
    y = add(y, graph.weight("\(name).bias", Array(bias.shape)) { bias.floats })
    return y
  }

  /// A product with a matrix `[output, input]`, which ONNX wants as `[input, output]`.
  private mutating func product(_ x: Value, _ name: String, _ matrix: Tensor) -> Value {
    graph.node(
      "MatMul", x,
      graph.weight(name, [matrix.shape[1], matrix.shape[0]]) { matrix.permuted(1, 0).floats })
  }

  /// A normalization.
  mutating func norm(_ part: Norm, _ name: String, _ x: Value) throws(ConfigError) -> Value {
    graph.scope = name
    if part.config.kind == .none { return x }
    guard part.config.kind == .layerNorm || part.config.kind == .rmsNorm,
      let scale = part.scale?.value
    else {
      throw unsupported(
        "the normalization '\(part.config.kind.kind)'", name, "layer-norm, rms-norm or none")
    }
    let factors = graph.weight("\(name).scale", Array(scale.shape)) { scale.floats }
    let epsilon = Float(part.config.epsilon)
    guard part.config.kind == .rmsNorm else {
      let bias = part.bias.map { bias in
        graph.weight("\(name).bias", Array(bias.value.shape)) { bias.value.floats }
      }
      return graph.nodes(
        "LayerNormalization", [x, factors] + (bias.map { [$0] } ?? []), outputs: 1,
        ["axis": .integer(-1), "epsilon": .float(epsilon)])[0]
    }
    let square = graph.node(
      "ReduceMean", graph.node("Mul", x, x),
      attributes: ["axes": .integers([-1]), "keepdims": .integer(1)])
    let root = graph.node("Sqrt", graph.node("Add", square, graph.number(epsilon)))
    return graph.node("Mul", graph.node("Div", x, root), factors)
  }
}
