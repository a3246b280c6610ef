import VerdantBase
import VerdantIO

/// A file of GGUF, version 3: facts by key, then tensors (github.com/ggml-org/ggml, docs/gguf.md).
struct GGUFFile {
  /// The value of a fact.
  enum Value: Equatable, Sendable {
    case unsigned(UInt32)
    case float(Float)
    case bool(Bool)
    case string(String)
    case strings([String])
    case integers([Int32])
  }

  /// A tensor with its numbers.
  struct TensorData: Sendable {
    let name: String
    /// Row-major, the longest step first.
    let shape: [Int]
    let type: GGUFType
    let data: DeferredBytes
  }

  /// Every tensor begins at a multiple.
  static let alignment = 32
  /// Bytes of a tensor's name, with the zero that other readers put behind it.
  static let longestName = 63

  /// The facts in the order of the file.
  private(set) var facts: [(key: String, value: Value)] = []
  /// The tensors in the order of the file.
  private(set) var tensors: [TensorData] = []

  /// Adds a fact.
  mutating func add(_ key: String, _ value: Value) { facts.append((key, value)) }

  /// Adds a count.
  ///
  /// - Throws: ``ConfigError`` for one that has no 32 bits.
  mutating func add(_ key: String, count: Int) throws(ConfigError) {
    guard let number = UInt32(exactly: count) else {
      throw ConfigError(
        .outOfRange, "\(count) for '\(key)'", place: key, rule: "GGUF stores 32 bits of it")
    }
    add(key, .unsigned(number))
  }

  /// Adds a tensor.
  mutating func add(
    _ name: String, _ shape: [Int], as type: GGUFType, _ values: @escaping @Sendable () -> [Float]
  ) {
    let count = shape.reduce(1, *)
    require(
      name.utf8.count <= Self.longestName && shape.count <= 4
        && shape.last.map { $0 % type.blockCount } == 0,
      "[gguf] the tensor \(name) \(shape) as \(type.name)")
    tensors.append(
      TensorData(
        name: name, shape: shape, type: type,
        data: DeferredBytes(count: type.byteCount(count)) {
          try type.encode(values(), of: name)
        }))
  }

  /// All bytes before the data.
  var header: [UInt8] {
    var bytes = Array("GGUF".utf8) + littleEndianBytes(UInt32(3))
    bytes += littleEndianBytes(UInt64(tensors.count)) + littleEndianBytes(UInt64(facts.count))
    for (key, value) in facts { bytes += Self.bytes(key) + Self.bytes(value) }
    var offset = 0
    for tensor in tensors {
      bytes += Self.bytes(tensor.name) + littleEndianBytes(UInt32(tensor.shape.count))
      bytes += tensor.shape.reversed().flatMap { littleEndianBytes(UInt64($0)) }
      bytes += littleEndianBytes(tensor.type.rawValue) + littleEndianBytes(UInt64(offset))
      offset += Self.padded(tensor.data.count)
    }
    return bytes + [UInt8](repeating: 0, count: Self.padded(bytes.count) - bytes.count)
  }

  /// Writes the whole file.
  func write(to output: OutputFile) throws {
    let header = header
    try output.reserve(tensors.reduce(header.count) { $0 + Self.padded($1.data.count) })
    try output.write(header)
    for tensor in tensors {
      try tensor.data.write(to: output)
      let rest = Self.padded(tensor.data.count) - tensor.data.count
      try output.write([UInt8](repeating: 0, count: rest))
    }
  }

  private static func padded(_ count: Int) -> Int {
    (count + alignment - 1) / alignment * alignment
  }

  private static func bytes(_ text: String) -> [UInt8] {
    littleEndianBytes(UInt64(text.utf8.count)) + Array(text.utf8)
  }

  /// The number of a type, then the value.
  private static func bytes(_ value: Value) -> [UInt8] {
    func list(_ type: UInt32, _ count: Int, _ items: [UInt8]) -> [UInt8] {
      littleEndianBytes(UInt32(9)) + littleEndianBytes(type) + littleEndianBytes(UInt64(count))
        + items
    }
    switch value {
    case .unsigned(let number): return littleEndianBytes(UInt32(4)) + littleEndianBytes(number)
    case .float(let number):
      return littleEndianBytes(UInt32(6)) + littleEndianBytes(number.bitPattern)
    case .bool(let isTrue): return littleEndianBytes(UInt32(7)) + [isTrue ? 1 : 0]
    case .string(let text): return littleEndianBytes(UInt32(8)) + bytes(text)
    case .strings(let texts): return list(8, texts.count, texts.flatMap { bytes($0) })
    case .integers(let numbers): return list(5, numbers.count, littleEndianBytes(numbers))
    }
  }
}
