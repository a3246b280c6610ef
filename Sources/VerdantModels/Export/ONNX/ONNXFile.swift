import VerdantBase
import VerdantIO
import VerdantNN

/// A model as a file of ONNX.
enum ONNXFile {
  /// Messages of protocol buffers are read by 32-bit sizes.
  static let largest = Int(Int32.max)

  /// Plans the file of a model.
  ///
  /// - Returns: The file, and how many tensors it stores.
  /// - Throws: ``ConfigError`` for parts that have no operations here, and for models beyond the
  ///   format's limit.
  static func message(_ model: Transformer, file: String) throws(ConfigError)
    -> (message: ProtobufMessage, tensorCount: Int)
  {
    let builder = try ONNXBuilder(model)
    let message = builder.graph.message(
      named: "verdant",
      metadata: [
        "architecture": model.config.architecture.rawValue,
        "objective": model.config.objective.rawValue,
        "maximum_length": String(model.config.maximumLength),
      ])
    guard message.byteCount <= largest else {
      throw ConfigError(
        .unsupported, "the model takes \(message.byteCount) bytes", file: file,
        rule: "a file of ONNX has at most \(largest) bytes",
        advice: "GGUF and safetensors have no such limit")
    }
    return (message, builder.graph.initializers.count)
  }
}
