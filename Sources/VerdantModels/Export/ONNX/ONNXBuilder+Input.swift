import VerdantBase
import VerdantCore
import VerdantNN

extension ONNXBuilder {
  /// The inputs of the first stack and their vectors before positions.
  ///
  /// - Returns: `[batch, length, width]`, and which tokens exist, `[batch, length]`.
  mutating func input(hasMask: Bool) throws(ConfigError) -> (x: Value, mask: Value?) {
    graph.scope = "embedding"
    if let size = config.patches { return (try patches(size), nil) }
    let shape: [ONNXGraph.Length] = [.free("batch"), .free("length")]
    let ids = graph.input("input_ids", .int64, shape)
    let mask = hasMask ? graph.input("attention_mask", .int64, shape) : nil
    // A decoder of the next token has one text; its rows are those of the first kind.
    let readsKinds = config.embedding.segments > 0 && hasMask
    let kinds = readsKinds ? graph.input("token_type_ids", .int64, shape) : nil
    return (tokens(ids, kinds: kinds), mask)
  }

  /// The rows of the token vectors.
  mutating func tokenTable() -> Value {
    guard let table = model.embedding.tokens?.value else { trap("[onnx] no token vectors") }
    return graph.weight("embedding.tokens", Array(table.shape)) { table.floats }
  }

  /// The vectors of tokens, with their factor and those of the kinds of texts.
  mutating func tokens(_ ids: Value, kinds: Value?) -> Value {
    let x = graph.node("Gather", tokenTable(), ids, attributes: ["axis": .integer(0)])
    return told(scaled(x), kinds)
  }

  /// The vectors with those of the kinds of texts; the first kind where nothing says which.
  private mutating func told(_ x: Value, _ kinds: Value?) -> Value {
    guard let segments = model.embedding.segments?.value else { return x }
    let rows = graph.weight("embedding.segments", Array(segments.shape)) { segments.floats }
    return graph.node(
      "Add", x,
      graph.node("Gather", rows, kinds ?? graph.integer(0), attributes: ["axis": .integer(0)]))
  }

  private mutating func scaled(_ x: Value) -> Value {
    guard config.embedding.scale != 1 else { return x }
    return graph.node("Mul", x, graph.number(Float(config.embedding.scale)))
  }

  /// The vectors of the pieces of images, with that of the class in front.
  private mutating func patches(_ size: PatchConfig) throws(ConfigError) -> Value {
    guard let map = model.embedding.patches else { trap("[onnx] no map of patches") }
    let pixels = graph.input(
      "pixel_values", .float32,
      [.free("batch"), .fixed(size.channels), .fixed(size.height), .fixed(size.width)])
    let (rows, columns) = (size.height / size.size, size.width / size.size)
    let cut = graph.node(
      "Reshape", pixels,
      graph.integers([0, size.channels, rows, size.size, columns, size.size]))
    let pieces = graph.node(
      "Transpose", cut, attributes: ["perm": .integers([0, 2, 4, 1, 3, 5])])
    let numbers = graph.node(
      "Reshape", pieces, graph.integers([0, size.count, size.numbers]))
    var x = try linear(map, "embedding.patches", numbers)
    if let token = model.embedding.classToken?.value {
      graph.scope = "embedding"
      let row = graph.weight("embedding.classToken", [1, 1, config.width]) { token.floats }
      let batch = graph.node(
        "Shape", pixels, attributes: ["start": .integer(0), "end": .integer(1)])
      let shape = graph.nodes(
        "Concat", [batch, graph.integers([1, config.width])], outputs: 1, ["axis": .integer(0)])[0]
      x = graph.node(
        "Concat", graph.node("Expand", row, shape), x, attributes: ["axis": .integer(1)])
    }
    return told(scaled(x), nil)
  }

  /// What masks and positions of a stack are made of.
  mutating func sequence(
    of x: Value, mask: Value?, _ positions: any PositionEncoding, isCausal: Bool, _ name: String
  ) throws(ConfigError) -> Sequence {
    graph.scope = name + "positions"
    let length = graph.node(
      "Shape", x, attributes: ["start": .integer(1), "end": .integer(2)])
    let count = graph.node("Squeeze", length, graph.integers([0]))
    let places = graph.node("Range", graph.integer(0), count, graph.integer(1))
    let distance = graph.node(
      "Sub", graph.node("Unsqueeze", places, graph.integers([0])),
      graph.node("Unsqueeze", places, graph.integers([1])))
    var sequence = Sequence(
      length: length, distance: distance, isCausal: isCausal, positions: positions, name: name)
    if let mask {
      sequence.keyMask = graph.node(
        "Unsqueeze", graph.node("Cast", mask, attributes: ["to": .integer(9)]),
        graph.integers([1, 2]))
    }
    sequence.bias = try bias(positions, sequence)
    return sequence
  }

  /// The vectors with those of their positions, normalized.
  mutating func placed(_ x: Value, _ sequence: inout Sequence) throws(ConfigError) -> Value {
    graph.scope = sequence.name + "positions"
    var x = x
    switch sequence.positions {
    case is LearnedPositions, is SinusoidalPositions:
      let (positions, shape): (any PositionEncoding, Shape) =
        (sequence.positions, [1, config.maximumLength, config.width])
      try MemoryNeed.check(4 * Double(shape.elementCount), for: "the table of positions")
      let stack = sequence.name == "encoder." ? sequence.name : "embedding."
      let table = graph.weight(stack + "positions", Array(shape.dropFirst())) {
        positions.added(to: .zeros(shape), from: 0).floats
      }
      x = graph.node("Add", x, rows(table, sequence.length))
    case is RotaryPositions, is RelativePositions, is NoPositions: break
    default:
      throw unsupported(
        "the positions '\(type(of: sequence.positions).kind)'", "embedding.positions",
        "learned, sinusoidal, rotary, relative or none")
    }
    guard let norm = model.embedding.norm else { return x }
    return try self.norm(norm, "embedding.norm", x)
  }

  /// The first rows of a table.
  mutating func rows(_ table: Value, _ length: Value) -> Value {
    graph.node("Slice", table, graph.integers([0]), length, graph.integers([0]))
  }

  /// What relative positions add to the scores, `[heads, length, length]`.
  private mutating func bias(_ positions: any PositionEncoding, _ sequence: Sequence)
    throws(ConfigError) -> Value?
  {
    guard let heads = positions.biasHeads else { return nil }
    let (longest, isCausal) = (config.maximumLength, sequence.isCausal)
    try MemoryNeed.check(8 * Double(heads) * Double(longest), for: "the table of distances")
    let table = graph.weight(sequence.name + "relativeBias.byDistance", [heads, 2 * longest - 1]) {
      positions.bias(queries: longest, keys: longest, isCausal: isCausal)?.floats ?? []
    }
    let index = graph.node("Add", sequence.distance, graph.integer(longest - 1))
    return graph.node("Gather", table, index, attributes: ["axis": .integer(1)])
  }

  /// The error for a part without operations.
  func unsupported(_ what: String, _ place: String, _ rule: String) -> ConfigError {
    ConfigError(.unsupported, "ONNX export does not know \(what)", place: place, rule: rule)
  }
}
