import VerdantBase
import VerdantCore
import VerdantNN

/// Makes the file of a model: facts, and the tensors under the names that readers look for.
struct GGUFBuilder {
  let model: Transformer
  let shape: GGUFShape
  let numbers: ExportNumbers
  var file = GGUFFile()
  /// What the file says in another way than the model, for the user.
  var notes: [String] = []
  private var denseGain = 0
  private var unalignedCount = 0
  private var config: ModelConfig { model.config }

  /// Builds the file.
  ///
  /// - Throws: ``ConfigError`` for what readers of the format do not compute.
  init(
    _ model: Transformer, _ vocabulary: GGUFVocabulary, name: String, numbers: ExportNumbers
  ) throws(ConfigError) {
    self.model = model
    self.numbers = numbers
    shape = try GGUFShape(model)
    try addFacts(name)
    vocabulary.add(to: &file)
    notes += vocabulary.notes
    addEmbedding()
    for (place, index) in config.usedOrder.enumerated() {
      try addBlock(model.blocks[index], "blk.\(place)")
    }
    try addNorm(model.finalNorm, "output_norm", gain: config.logitScale)
    addHead()
    takeNotes()
  }

  private mutating func takeNotes() {
    if config.usedOrder.count > model.blocks.count {
      notes.append(
        "\(model.blocks.count) blocks that are used \(config.usedOrder.count) times are written "
          + "as often")
    }
    if denseGain > 0 {
      notes.append("maps that are not dense are written as matrices, \(denseGain) numbers more")
    }
    if unalignedCount > 0 {
      notes.append(
        "\(unalignedCount) matrices stay F16: their rows are no multiple of 32 numbers")
    }
  }

  private mutating func addFacts(_ name: String) throws(ConfigError) {
    let key = shape.rawValue
    guard let block = model.blocks.first, let mixer = block.mixer as? SoftmaxAttention,
      let hidden = GGUFShape.hidden(block.feedForward)
    else { trap("[gguf] a model whose shape was not checked") }
    file.add("general.architecture", .string(key))
    file.add("general.name", .string(name))
    file.add("general.file_type", .unsigned(numbers.fileType))
    if numbers.type.blockCount > 1 { file.add("general.quantization_version", .unsigned(2)) }
    try file.add("\(key).context_length", count: config.maximumLength)
    try file.add("\(key).embedding_length", count: config.width)
    try file.add("\(key).block_count", count: config.usedOrder.count)
    try file.add("\(key).feed_forward_length", count: hidden)
    try file.add("\(key).vocab_size", count: config.vocabulary)
    let heads = mixer.options.heads
    try file.add("\(key).attention.head_count", count: heads)
    try file.add("\(key).attention.head_count_kv", count: mixer.options.keyHeads ?? heads)
    let epsilon = Float(config.finalNorm.epsilon)
    guard shape == .llama else {
      return file.add("\(key).attention.layer_norm_epsilon", .float(epsilon))
    }
    file.add("\(key).attention.layer_norm_rms_epsilon", .float(epsilon))
    let width = mixer.projections.query.size.output / heads
    try file.add("\(key).attention.key_length", count: width)
    try file.add("\(key).attention.value_length", count: width)
    try file.add("\(key).rope.dimension_count", count: width)
    file.add("\(key).rope.freq_base", .float(Float(config.embedding.rotaryBase)))
  }

  /// Token vectors with their factor, and those of positions.
  private mutating func addEmbedding() {
    let (rows, factor) = (tokenRows, Float(config.embedding.scale))
    addMatrix("token_embd.weight", Array(rows.shape), isTable: true) {
      factor == 1 ? rows.floats : rows.floats.map { $0 * factor }
    }
    guard shape == .gpt2 else { return }
    let positions = model.embedding.positions
    let (length, width) = (config.maximumLength, config.width)
    file.add("position_embd.weight", [length, width], as: .f32) {
      positions.added(to: .zeros([1, length, width]), from: 0).floats
    }
  }

  private var tokenRows: Tensor {
    guard let rows = model.embedding.tokens?.value else { trap("[gguf] no token vectors") }
    return rows
  }

  /// The head; readers take the token vectors where there is none.
  private mutating func addHead() {
    guard model.head != nil || config.embedding.scale != 1 else { return }
    let rows = model.head?.weight.value ?? tokenRows
    addMatrix("output.weight", Array(rows.shape), isTable: true) { rows.floats }
  }

  private mutating func addBlock(_ block: Block, _ name: String) throws(ConfigError) {
    guard let mixer = block.mixer as? SoftmaxAttention else {
      trap("[gguf] a mixer that was not checked")
    }
    try addNorm(block.mixerNorm, "\(name).attn_norm")
    addAttention(mixer, name)
    if let norm = block.feedForwardNorm { try addNorm(norm, "\(name).ffn_norm") }
    switch block.feedForward {
    case let part as GatedMLP:
      addMap([part.gate], "\(name).ffn_gate")
      addMap([part.up], "\(name).ffn_up")
      addMap([part.down], "\(name).ffn_down")
    case let part as MLP:
      addMap([part.up], "\(name).ffn_up")
      addMap([part.down], "\(name).ffn_down")
    default: trap("[gguf] a feed-forward network that was not checked")
    }
  }

  private mutating func addAttention(_ mixer: SoftmaxAttention, _ name: String) {
    let (maps, heads) = (mixer.projections, mixer.options.heads)
    let width = maps.query.size.output / heads
    // Readers divide the scores by the root of the width; another factor goes into the queries.
    let gain = mixer.options.scale.map { Float($0 * Double(width).squareRoot()) } ?? 1
    if shape == .llama {
      addMap([maps.query], "\(name).attn_q", gain: gain, turnedIn: width)
      addMap([maps.key], "\(name).attn_k", turnedIn: width)
      addMap([maps.value], "\(name).attn_v")
    } else {
      addMap([maps.query, maps.key, maps.value], "\(name).attn_qkv", gain: gain)
    }
    addMap([maps.output], "\(name).attn_output")
  }

  /// Linear maps, the rows of one after those of the other.
  ///
  /// - Parameters:
  ///   - gain: Multiplies the first map.
  ///   - width: The width of a head in which pairs of halves become neighbours, as the readers of
  ///     Llama turn them; nil for no change.
  private mutating func addMap(
    _ maps: [any LinearMap], _ name: String, gain: Float = 1, turnedIn width: Int? = nil
  ) {
    let outputs = maps.reduce(0) { $0 + $1.size.output }
    guard let inputs = maps.first?.size.input else { return }
    for map in maps where !(map is Dense) {
      let bias = map.size.hasBias ? map.size.output : 0
      denseGain += map.size.input * map.size.output - (map.parameterCount - bias)
    }
    @Sendable func rows(_ values: [[Float]], _ columns: Int) -> [Float] {
      let all = (gain == 1 ? values[0] : values[0].map { $0 * gain }) + values.dropFirst().joined()
      guard let width else { return all }
      return GGUFBuilder.neighbours(all, columns: columns, headWidth: width)
    }
    addMatrix("\(name).weight", [outputs, inputs], isTable: false) {
      rows(maps.map { $0.matrix().floats }, inputs)
    }
    let hasBias = maps.contains { $0.size.hasBias }
    // Readers of GPT-2 expect every bias.
    guard hasBias || shape == .gpt2 else { return }
    file.add("\(name).bias", [outputs], as: .f32) {
      rows(
        maps.map { $0.biasValue?.floats ?? [Float](repeating: 0, count: $0.size.output) }, 1)
    }
  }

  /// Rows in the order in which the numbers of a pair stand beside each other: of each head row k
  /// is that of `k / 2` in the first half for even k, in the second for odd k.
  static func neighbours(_ rows: [Float], columns: Int, headWidth: Int) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(rows.count)
    for head in stride(from: 0, to: rows.count / columns, by: headWidth) {
      for row in 0..<headWidth {
        let old = head + row % 2 * (headWidth / 2) + row / 2
        result += rows[old * columns..<(old + 1) * columns]
      }
    }
    return result
  }

  private mutating func addMatrix(
    _ name: String, _ shape: [Int], isTable: Bool, _ values: @escaping @Sendable () -> [Float]
  ) {
    var type = isTable ? numbers.tableType : numbers.type
    if shape[1] % type.blockCount != 0 {
      type = .f16
      unalignedCount += 1
    }
    file.add(name, shape, as: type, values)
  }

  private mutating func addNorm(_ norm: Norm, _ name: String, gain: Double = 1)
    throws(ConfigError)
  {
    let factor = Float(gain)
    @Sendable func scaled(_ tensor: Tensor) -> [Float] {
      factor == 1 ? tensor.floats : tensor.floats.map { $0 * factor }
    }
    guard let scale = norm.scale?.value else { trap("[gguf] a norm that was not checked") }
    file.add("\(name).weight", Array(scale.shape), as: .f32) { scaled(scale) }
    guard shape == .gpt2 else { return }
    let bias = norm.bias?.value ?? .zeros(scale.shape)
    file.add("\(name).bias", Array(scale.shape), as: .f32) { scaled(bias) }
  }
}

extension ExportNumbers {
  /// The type of matrices.
  var type: GGUFType {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .q8_0: .q8_0
    case .q4_0: .q4_0
    }
  }

  /// The type of the tables of tokens, where four bits would cost the most.
  var tableType: GGUFType { self == .q4_0 ? .q8_0 : type }

  /// The number of the whole file's type.
  var fileType: UInt32 {
    switch self {
    case .f32: 0
    case .f16: 1
    case .q4_0: 2
    case .q8_0: 7
    }
  }
}
