import VerdantBase

/// A graph of ONNX in the making: nodes in the order of their computation, and the tensors that are
/// stored with them.
struct ONNXGraph {
  /// A value that nodes give or read, by its name.
  struct Value: Hashable, Sendable {
    let name: String
    /// An input that is left out.
    static let none = Value(name: "")
  }

  /// The types of elements in use, by their numbers in the format.
  enum ElementType: Int, Sendable {
    case float32 = 1
    case int64 = 7
    case bool = 9
  }

  /// A setting of a node.
  enum Attribute: Equatable, Sendable {
    case integer(Int)
    case integers([Int])
    case float(Float)
  }

  /// The length of an axis.
  enum Length: Equatable, Sendable {
    /// Always the same.
    case fixed(Int)
    /// As long as the caller likes, the same wherever the name stands.
    case free(String)
  }

  /// An operation.
  struct Node: Sendable {
    let type: String
    let name: String
    let inputs: [Value]
    let outputs: [Value]
    let attributes: [(name: String, value: Attribute)]
  }

  /// A stored tensor.
  struct Initializer: Sendable {
    let name: String
    let type: ElementType
    let shape: [Int]
    let data: DeferredBytes
  }

  /// What the graph reads or gives.
  struct Port: Sendable {
    let value: Value
    let type: ElementType
    let shape: [Length]
  }

  private(set) var nodes: [Node] = []
  private(set) var initializers: [Initializer] = []
  private(set) var inputs: [Port] = []
  private(set) var outputs: [Port] = []
  private var stored: Set<String> = []
  private var counts: [String: Int] = [:]
  /// What the names of new nodes begin with: the part of the model they belong to.
  var scope = ""

  /// Declares an input.
  mutating func input(_ name: String, _ type: ElementType, _ shape: [Length]) -> Value {
    let value = Value(name: name)
    inputs.append(Port(value: value, type: type, shape: shape))
    return value
  }

  /// Declares a value as an output with a name of its own.
  mutating func output(_ value: Value, as name: String, _ type: ElementType, _ shape: [Length]) {
    let named = Value(name: name)
    nodes.append(
      Node(type: "Identity", name: name, inputs: [value], outputs: [named], attributes: []))
    outputs.append(Port(value: named, type: type, shape: shape))
  }

  /// Adds an operation with several outputs.
  mutating func nodes(
    _ type: String, _ inputs: [Value], outputs count: Int,
    _ attributes: KeyValuePairs<String, Attribute> = [:]
  ) -> [Value] {
    let place = scope.isEmpty ? type : "\(scope)/\(type)"
    let number = counts[place, default: 0]
    counts[place] = number + 1
    let name = number == 0 ? place : "\(place)_\(number)"
    let outputs = (0..<count).map { Value(name: $0 == 0 ? "\(name):0" : "\(name):\($0)") }
    nodes.append(
      Node(
        type: type, name: name, inputs: inputs, outputs: outputs,
        attributes: attributes.map { ($0.key, $0.value) }))
    return outputs
  }

  /// Adds an operation.
  mutating func node(
    _ type: String, _ inputs: Value..., attributes: KeyValuePairs<String, Attribute> = [:]
  ) -> Value {
    nodes(type, inputs, outputs: 1, attributes)[0]
  }

  /// A stored tensor in f32; one of the same name is stored once.
  mutating func weight(_ name: String, _ shape: [Int], _ floats: @escaping @Sendable () -> [Float])
    -> Value
  {
    store(
      Initializer(
        name: name, type: .float32, shape: shape,
        data: DeferredBytes(floats: shape.reduce(1, *), floats)))
  }

  /// Stored integers: a list, or with a shape of its own.
  mutating func integers(_ values: [Int], shape: [Int]? = nil) -> Value {
    let bytes = littleEndianBytes(values.map { Int64($0) })
    let text = values.map(String.init).joined(separator: ",")
    return store(
      Initializer(
        name: shape == nil ? "integers[\(text)]" : "integer \(text)", type: .int64,
        shape: shape ?? [values.count], data: DeferredBytes(count: bytes.count) { bytes }))
  }

  /// A stored integer without axes.
  mutating func integer(_ value: Int) -> Value { integers([value], shape: []) }

  /// A stored number without axes.
  mutating func number(_ value: Float) -> Value {
    store(
      Initializer(
        name: "number \(value)", type: .float32, shape: [],
        data: DeferredBytes(floats: 1) { [value] }))
  }

  private mutating func store(_ initializer: Initializer) -> Value {
    if stored.insert(initializer.name).inserted { initializers.append(initializer) }
    return Value(name: initializer.name)
  }
}
