import VerdantBase
import VerdantCore
import VerdantNN

extension ONNXBuilder {
  /// The sizes of an attention's heads.
  private struct Heads {
    let count: Int
    let keyCount: Int
    let width: Int
    let scale: Double
    var group: Int { count / keyCount }

    init(_ projections: AttentionProjections, heads: Int, keyHeads: Int?, scale: Double?) {
      count = heads
      keyCount = keyHeads ?? heads
      width = projections.query.size.output / heads
      self.scale = scale ?? 1 / Double(width).squareRoot()
    }
  }

  /// Attention of the tokens of a stack to each other.
  mutating func attention(
    _ part: SoftmaxAttention, _ name: String, _ x: Value, _ sequence: inout Sequence
  ) throws(ConfigError) -> Value {
    let (maps, options) = (part.projections, part.options)
    let heads = Heads(
      maps, heads: options.heads, keyHeads: options.keyHeads, scale: options.scale)
    var query = try split(maps.query, "\(name).query", x, heads.count, heads)
    var key = try split(maps.key, "\(name).key", x, heads.keyCount, heads)
    let value = try split(maps.value, "\(name).value", x, heads.keyCount, heads)
    if let base = sequence.positions.rotaryBase {
      guard config.embedding.rotaryScaling == nil else {
        throw unsupported("scaled angles of positions", "embedding.rotary_scaling", "null")
      }
      let angles = try angles(heads.width, base, &sequence)
      graph.scope = name
      query = turned(query, angles)
      key = turned(key, angles)
    }
    let visible = visible(options.window, &sequence)
    graph.scope = name
    return try mixed(
      (query, key, value), heads, visible: visible, keyMask: sequence.keyMask,
      bias: sequence.bias, maps.output, "\(name).output")
  }

  /// Attention of a decoder's tokens to an encoder's.
  mutating func crossed(
    _ part: CrossAttention, _ name: String, _ x: Value, _ reading: Reading
  ) throws(ConfigError) -> Value {
    let (maps, options) = (part.projections, part.options)
    let heads = Heads(
      maps, heads: options.heads, keyHeads: options.keyHeads, scale: options.scale)
    let query = try split(maps.query, "\(name).query", x, heads.count, heads)
    let key = try split(maps.key, "\(name).key", reading.vectors, heads.keyCount, heads)
    let value = try split(maps.value, "\(name).value", reading.vectors, heads.keyCount, heads)
    graph.scope = name
    return try mixed(
      (query, key, value), heads, visible: nil, keyMask: reading.keyMask, bias: nil, maps.output,
      "\(name).output")
  }

  /// A projection, cut into heads: `[batch, length, heads, headWidth]`.
  private mutating func split(
    _ map: any LinearMap, _ name: String, _ x: Value, _ count: Int, _ heads: Heads
  ) throws(ConfigError) -> Value {
    graph.node(
      "Reshape", try linear(map, name, x), graph.integers([0, 0, count, heads.width]))
  }

  /// Cosines and sines of the angles of all positions, `[length, 1, headWidth / 2]`.
  private mutating func angles(_ width: Int, _ base: Double, _ sequence: inout Sequence)
    throws(ConfigError) -> (cosine: Value, sine: Value)
  {
    if let known = sequence.angles[width] { return known }
    let (longest, half) = (config.maximumLength, width / 2)
    try MemoryNeed.check(12 * Double(longest) * Double(width), for: "the table of angles")
    // The vector (1, 0) of each pair turns into the cosine and the sine.
    let table: @Sendable (_ first: Int) -> [Float] = { first in
      let unit = Tensor((0..<width).map { $0 < half ? 1 : 0 }, [width])
      let turned = rotary(.zeros([1, longest, width]) + unit, heads: 1, base: base).floats
      return (0..<longest).flatMap { turned[$0 * width + first..<$0 * width + first + half] }
    }
    graph.scope = sequence.name + "positions"
    let cosine = graph.weight("rotary.cosine.\(width)", [longest, 1, half]) { table(0) }
    let sine = graph.weight("rotary.sine.\(width)", [longest, 1, half]) { table(half) }
    let angles = (rows(cosine, sequence.length), rows(sine, sequence.length))
    sequence.angles[width] = angles
    return angles
  }

  /// Pairs of the two halves of a head turned by the angles (Su et al. 2021).
  private mutating func turned(_ x: Value, _ angles: (cosine: Value, sine: Value)) -> Value {
    let halves = graph.nodes("Split", [x], outputs: 2, ["axis": .integer(-1)])
    func product(_ half: Int, _ table: Value) -> Value { graph.node("Mul", halves[half], table) }
    let first = graph.node("Sub", product(0, angles.cosine), product(1, angles.sine))
    let second = graph.node("Add", product(1, angles.cosine), product(0, angles.sine))
    return graph.node("Concat", first, second, attributes: ["axis": .integer(-1)])
  }

  /// True where a query sees a key by place, `[length, length]`; nil where it sees all.
  private mutating func visible(_ window: Int?, _ sequence: inout Sequence) -> Value? {
    guard sequence.isCausal || window != nil else { return nil }
    if let known = sequence.visible[window] { return known }
    graph.scope = sequence.name + "mask"
    let distance = sequence.distance
    var parts: [Value] = []
    if sequence.isCausal {
      parts.append(graph.node("LessOrEqual", distance, graph.integer(0)))
    } else if let window {
      parts.append(graph.node("Less", distance, graph.integer(window)))
    }
    if let window { parts.append(graph.node("Greater", distance, graph.integer(-window))) }
    let all = parts.dropFirst().reduce(parts[0]) { graph.node("And", $0, $1) }
    sequence.visible[window] = all
    return all
  }

  /// Scores, their softmax, the mixed values and the output map.
  private mutating func mixed(
    _ parts: (query: Value, key: Value, value: Value), _ heads: Heads, visible: Value?,
    keyMask: Value?, bias: Value?, _ output: any LinearMap, _ name: String
  ) throws(ConfigError) -> Value {
    let isGrouped = heads.group > 1
    var (query, key, value) = parts
    // Grouped: [batch, keyHeads, group, length, headWidth] against one key head for each group.
    if isGrouped {
      query = graph.node(
        "Reshape", query, graph.integers([0, 0, heads.keyCount, heads.group, heads.width]))
      query = transposed(query, [0, 2, 3, 1, 4])
      key = graph.node(
        "Unsqueeze", transposed(key, [0, 2, 3, 1]), graph.integers([2]))
      value = graph.node(
        "Unsqueeze", transposed(value, [0, 2, 1, 3]), graph.integers([2]))
    } else {
      query = transposed(query, [0, 2, 1, 3])
      key = transposed(key, [0, 2, 3, 1])
      value = transposed(value, [0, 2, 1, 3])
    }
    var scores = graph.node("MatMul", query, key)
    if heads.scale != 1 { scores = graph.node("Mul", scores, graph.number(Float(heads.scale))) }
    if var bias {
      if isGrouped {
        let lengths = graph.node(
          "Shape", bias, attributes: ["start": .integer(1), "end": .integer(3)])
        let shape = graph.node(
          "Concat", graph.integers([heads.keyCount, heads.group]), lengths,
          attributes: ["axis": .integer(0)])
        bias = graph.node("Reshape", bias, shape)
      }
      scores = graph.node("Add", scores, bias)
    }
    let exists = keyMask.map { mask in
      isGrouped ? graph.node("Unsqueeze", mask, graph.integers([1])) : mask
    }
    let seen = [visible, exists].compactMap(\.self)
    if let first = seen.first {
      let mask = seen.dropFirst().reduce(first) { graph.node("And", $0, $1) }
      scores = graph.node("Where", mask, scores, graph.number(-1e30))
    }
    var shares = graph.node("Softmax", scores, attributes: ["axis": .integer(-1)])
    if let exists {
      // A query that sees no key gives 0, not the mean of all.
      shares = graph.node(
        "Mul", shares, graph.node("Cast", exists, attributes: ["to": .integer(1)]))
    }
    let mixed = graph.node("MatMul", shares, value)
    let joined = transposed(mixed, isGrouped ? [0, 3, 1, 2, 4] : [0, 2, 1, 3])
    let flat = graph.node(
      "Reshape", joined, graph.integers([0, 0, heads.count * heads.width]))
    return try linear(output, name, flat)
  }

  private mutating func transposed(_ x: Value, _ order: [Int]) -> Value {
    graph.node("Transpose", x, attributes: ["perm": .integers(order)])
  }
}
