import VerdantBase
import VerdantCore
import VerdantNN

/// Makes the graph of a model: every part as the operations that compute it in inference.
struct ONNXBuilder {
  typealias Value = ONNXGraph.Value

  let model: Transformer
  var graph = ONNXGraph()
  var config: ModelConfig { model.config }

  /// What is known of the tokens of a stack.
  struct Sequence {
    /// The length, as a list of one integer.
    let length: Value
    /// True where a token exists, `[batch, 1, 1, length]`; nil where all do.
    var keyMask: Value?
    /// The place of a key less the place of a query, `[length, length]`.
    let distance: Value
    let isCausal: Bool
    /// What is added to scores, `[heads, length, length]`.
    var bias: Value?
    /// True where a query sees a key, by window.
    var visible: [Int?: Value] = [:]
    /// Cosines and sines of the angles of positions, `[length, 1, headWidth / 2]`, by head width.
    var angles: [Int: (cosine: Value, sine: Value)] = [:]
    let positions: any PositionEncoding
    let name: String
  }

  /// Builds the graph.
  ///
  /// - Throws: ``ConfigError`` for parts that have no operations here.
  init(_ model: Transformer) throws(ConfigError) {
    self.model = model
    try build()
  }

  private mutating func build() throws(ConfigError) {
    switch config.architecture {
    case .encoderDecoder: try buildPair()
    case .decoder, .encoder: try buildStack()
    }
  }

  /// One stack: a language model, an encoder or a classifier.
  private mutating func buildStack() throws(ConfigError) {
    let isClassifier = config.classification != nil
    let (x, mask) = try input(hasMask: isClassifier || config.architecture == .encoder)
    var sequence = try sequence(
      of: x, mask: mask, model.embedding.positions, isCausal: config.isCausal, "")
    var vectors = try placed(x, &sequence)
    for index in config.usedOrder {
      vectors = try block(model.blocks[index], "blocks.\(index)", vectors, &sequence, nil)
    }
    vectors = try last(vectors)
    let length: ONNXGraph.Length =
      config.patches.map { .fixed($0.count + (model.embedding.classToken == nil ? 0 : 1)) }
      ?? .free("length")
    if config.architecture == .encoder {
      graph.output(
        vectors, as: "last_hidden_state", .float32,
        [.free("batch"), length, .fixed(config.width)])
    }
    if let classifier = model.classifier, let classification = config.classification {
      graph.scope = "pooling"
      var pooled = pooled(vectors, classification.pooling, mask)
      if let pooler = model.pooler {
        pooled = activated(
          try linear(pooler, "pooler", pooled), classification.transform ?? .none)
      }
      let logits = try linear(classifier, "classifier", pooled)
      graph.output(
        logits, as: "logits", .float32, [.free("batch"), .fixed(classification.classes)])
    } else {
      try output(vectors, length)
    }
  }

  /// An encoder, and a decoder that reads it.
  private mutating func buildPair() throws(ConfigError) {
    guard let encoder = model.encoder else { trap("[onnx] an encoder-decoder without an encoder") }
    let (x, mask) = try input(hasMask: true)
    var read = try sequence(of: x, mask: mask, encoder.positions, isCausal: false, "encoder.")
    var memory = try placed(x, &read)
    for (index, part) in encoder.blocks.enumerated() {
      memory = try block(part, "encoder.blocks.\(index)", memory, &read, nil)
    }
    memory = try norm(encoder.finalNorm, "encoder.finalNorm", memory)
    graph.scope = "decoder"
    let ids = graph.input(
      "decoder_input_ids", .int64, [.free("batch"), .free("decoder_length")])
    let tokens = tokens(ids, kinds: nil)
    var written = try sequence(
      of: tokens, mask: nil, model.embedding.positions, isCausal: true, "decoder.")
    var vectors = try placed(tokens, &written)
    for index in config.usedOrder {
      vectors = try block(
        model.blocks[index], "blocks.\(index)", vectors, &written, (memory, read.keyMask))
    }
    try output(try last(vectors), .free("decoder_length"))
  }

  /// The last normalization, with the factor of the logits.
  private mutating func last(_ x: Value) throws(ConfigError) -> Value {
    let normal = try norm(model.finalNorm, "finalNorm", x)
    guard config.logitScale != 1 else { return normal }
    return graph.node("Mul", normal, graph.number(Float(config.logitScale)))
  }

  /// The logits of tokens: products with the rows of the head.
  private mutating func output(_ vectors: Value, _ length: ONNXGraph.Length)
    throws(ConfigError)
  {
    var vectors = vectors
    if let transform = model.headTransform {
      let mapped = activated(
        try linear(transform.map, "headTransform.map", vectors), transform.options.activation)
      vectors = try norm(transform.norm, "headTransform.norm", mapped)
    }
    graph.scope = "head"
    let rows =
      model.head.map { head in
        graph.weight("head.weight", Array(head.weight.value.shape)) { head.weight.value.floats }
      } ?? tokenTable()
    let columns = graph.node("Transpose", rows, attributes: ["perm": .integers([1, 0])])
    var logits = graph.node("MatMul", vectors, columns)
    if let bias = model.headBias {
      let value = graph.weight("headBias", Array(bias.value.shape)) { bias.value.floats }
      logits = graph.node("Add", logits, value)
    }
    graph.output(
      logits, as: "logits", .float32,
      [.free("batch"), length, .fixed(config.vocabulary)])
  }
}
