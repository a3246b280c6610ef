import VerdantBase

extension ONNXGraph {
  /// The version of the operations in use: the first that has LayerNormalization.
  static let operatorSet = 17
  /// The version of the format that came with it.
  private static let formatVersion = 8

  /// The whole file as messages (onnx.proto: ModelProto, GraphProto, NodeProto, TensorProto).
  ///
  /// - Parameters:
  ///   - name: The name of the graph.
  ///   - metadata: Texts to store beside it.
  func message(named name: String, metadata: KeyValuePairs<String, String>) -> ProtobufMessage {
    var graph = ProtobufMessage()
    for node in nodes { graph.add(1, Self.message(node)) }
    graph.add(2, name)
    for initializer in initializers { graph.add(5, Self.message(initializer)) }
    for port in inputs { graph.add(11, Self.message(port)) }
    for port in outputs { graph.add(12, Self.message(port)) }
    var operators = ProtobufMessage()
    operators.add(1, "")
    operators.add(2, integer: Self.operatorSet)
    var model = ProtobufMessage()
    model.add(1, integer: Self.formatVersion)
    model.add(2, "verdant")
    model.add(7, graph)
    model.add(8, operators)
    for (key, value) in metadata {
      var entry = ProtobufMessage()
      entry.add(1, key)
      entry.add(2, value)
      model.add(14, entry)
    }
    return model
  }

  private static func message(_ node: Node) -> ProtobufMessage {
    var message = ProtobufMessage()
    for input in node.inputs { message.add(1, input.name) }
    for output in node.outputs { message.add(2, output.name) }
    message.add(3, node.name)
    message.add(4, node.type)
    for (name, value) in node.attributes {
      var attribute = ProtobufMessage()
      attribute.add(1, name)
      switch value {
      case .float(let number):
        attribute.add(2, float: number)
        attribute.add(20, integer: 1)
      case .integer(let number):
        attribute.add(3, integer: number)
        attribute.add(20, integer: 2)
      case .integers(let numbers):
        for number in numbers { attribute.add(8, integer: number) }
        attribute.add(20, integer: 7)
      }
      message.add(5, attribute)
    }
    return message
  }

  private static func message(_ initializer: Initializer) -> ProtobufMessage {
    var message = ProtobufMessage()
    for length in initializer.shape { message.add(1, integer: length) }
    message.add(2, integer: initializer.type.rawValue)
    message.add(8, initializer.name)
    message.add(9, initializer.data)
    return message
  }

  private static func message(_ port: Port) -> ProtobufMessage {
    var shape = ProtobufMessage()
    for length in port.shape {
      var axis = ProtobufMessage()
      switch length {
      case .fixed(let count): axis.add(1, integer: count)
      case .free(let name): axis.add(2, name)
      }
      shape.add(1, axis)
    }
    var tensor = ProtobufMessage()
    tensor.add(1, integer: port.type.rawValue)
    tensor.add(2, shape)
    var type = ProtobufMessage()
    type.add(1, tensor)
    var message = ProtobufMessage()
    message.add(1, port.value.name)
    message.add(2, type)
    return message
  }
}
