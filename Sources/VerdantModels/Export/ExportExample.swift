import VerdantBase
import VerdantCore
import VerdantIO
public import VerdantNN

/// Inputs of a model with what this package computes of them, to check another program with.
public enum ExportExample {
  /// Writes two sequences as a file of safetensors: the inputs under the names of exported graphs,
  /// and `logits`. Of the second sequence fewer tokens exist where lengths count.
  ///
  /// - Parameters:
  ///   - length: Tokens of a sequence at most.
  ///   - seed: Of the tokens.
  /// - Throws: ``FileError``, ``CheckpointError``.
  public static func write(
    _ model: Transformer, length: Int = 48, seed: UInt64 = 0, to path: String,
    overwriting: Bool = false
  ) throws {
    let tensors = try tensors(model, length: length, seed: seed)
    let layout = try SafetensorsLayout(
      tensors.map { name, tensor in
        TensorDescription(name: name, dtype: tensor.dtype.stored, shape: Array(tensor.shape))
      })
    let byName = Dictionary(tensors) { first, _ in first }
    try SafetensorsWriter.write(layout, to: path, overwriting: overwriting) { entry, write in
      try byName[entry.name]?.withUnsafeBytes { try write($0) }
    }
  }

  private static func tensors(_ model: Transformer, length: Int, seed: UInt64) throws -> [(
    String, Tensor
  )] {
    let config = model.config
    let random = RandomSource(seed: seed)
    func integers(below bound: Int, _ shape: Shape, _ stream: String) -> Tensor {
      let source = random.stream(stream)
      let values = (0..<shape.elementCount).map {
        Int32(source.uniform(at: UInt64($0)) * Double(bound))
      }
      return Tensor(integers: values, shape)
    }
    var context = Context(.inference)
    if let patches = config.patches {
      let shape: Shape = [2, patches.channels, patches.height, patches.width]
      let source = random.stream("pixels")
      let pixels = (0..<shape.elementCount).map { Float(source.uniform(at: UInt64($0)) * 2 - 1) }
      let input = Tensor(patches.patches(of: pixels), [2, patches.count, patches.numbers])
      return [
        ("pixel_values", Tensor(pixels, shape)), ("logits", model(ModelInput(input), &context)),
      ]
    }
    let count = max(1, min(length, config.maximumLength))
    let shape: Shape = [2, count]
    var input = ModelInput(integers(below: config.vocabulary, shape, "tokens"))
    var result = [("input_ids", input.tokens)]
    if config.architecture != .decoder || config.classification != nil {
      let second = max(1, count * 2 / 3)
      input.lengths = Tensor(integers: [Int32(count), Int32(second)], [2])
      let mask = (0..<2 * count).map { Int32($0 < count + second ? 1 : 0) }
      result.append(("attention_mask", Tensor(integers: mask, shape)))
      if config.embedding.segments > 0 {
        let kinds = integers(below: config.embedding.segments, shape, "kinds")
        input.segments = kinds
        result.append(("token_type_ids", kinds))
      }
    }
    if config.architecture == .encoderDecoder {
      let decoder = integers(below: config.vocabulary, [2, max(1, count / 2)], "decoder")
      input.decoder = decoder
      result.append(("decoder_input_ids", decoder))
    }
    result.append(("logits", model(input, &context)))
    return result
  }
}
