public import VerdantBase
public import VerdantCore

/// The encoder of an encoder–decoder: blocks that read in both directions. Token vectors are those of
/// the decoder, positions its own.
public struct EncoderStack: Module {
  /// What tells positions apart.
  public var positions: any PositionEncoding
  /// The layers.
  public var blocks: [Block]
  /// After the last layer.
  public var finalNorm: Norm

  /// Builds the layers.
  init(_ config: ModelConfig, _ make: inout Maker) throws(ConfigError) {
    positions = try Catalog.positions(config.embedding.positions).init(
      config.embedding, width: config.width, maximumLength: config.maximumLength, &make)
    make.residualGain = Transformer.residualGain(depth: config.encoderBlocks.count)
    blocks = try Transformer.blocks(config.encoderBlocks, config, positions, &make)
    finalNorm = make.inside("finalNorm") { Norm(config.finalNorm, width: config.width, &$0) }
  }

  /// Shows the parts.
  public mutating func visit(_ visitor: inout some Visitor) {
    positions.visit(&visitor)
    visitor.list("blocks", &blocks)
    visitor.part("finalNorm", &finalNorm)
  }
}
