import Foundation
import Testing

/// Reads the wire format of protocol buffers, for the checks of what was written.
struct ProtobufReader {
  enum Value {
    case integer(Int)
    case fixed32(UInt32)
    case bytes(ArraySlice<UInt8>)
  }

  /// The fields in order.
  let fields: [(number: Int, value: Value)]

  init(_ bytes: ArraySlice<UInt8>) throws {
    var fields: [(Int, Value)] = []
    var at = bytes.startIndex
    func varint() throws -> UInt64 {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), to: 64, by: 7) {
        let byte = try #require(at < bytes.endIndex ? bytes[at] : nil)
        at += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { break }
      }
      return value
    }
    while at < bytes.endIndex {
      let key = try varint()
      let number = Int(key >> 3)
      switch key & 7 {
      case 0: fields.append((number, .integer(Int(Int64(bitPattern: try varint())))))
      case 2:
        let count = Int(try varint())
        try #require(count <= bytes.endIndex - at)
        fields.append((number, .bytes(bytes[at..<at + count])))
        at += count
      case 5:
        try #require(at + 4 <= bytes.endIndex)
        let word = bytes[at..<at + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        fields.append((number, .fixed32(word)))
        at += 4
      default: Issue.record("a wire type that is never written: \(key & 7)")
      }
    }
    self.fields = fields
  }

  func integers(_ number: Int) -> [Int] {
    fields.compactMap { field in
      if case .integer(let value) = field.value, field.number == number { value } else { nil }
    }
  }

  func slices(_ number: Int) -> [ArraySlice<UInt8>] {
    fields.compactMap { field in
      if case .bytes(let value) = field.value, field.number == number { value } else { nil }
    }
  }

  func messages(_ number: Int) throws -> [ProtobufReader] {
    try slices(number).map { try ProtobufReader($0) }
  }

  func texts(_ number: Int) -> [String] {
    slices(number).map { String(decoding: $0, as: UTF8.self) }
  }

  func float(_ number: Int) -> Float? {
    for field in fields where field.number == number {
      if case .fixed32(let bits) = field.value { return Float(bitPattern: bits) }
    }
    return nil
  }
}

/// A file of ONNX as its parts.
struct ONNXReader {
  struct Node {
    let type: String
    let inputs: [String]
    let outputs: [String]
    let attributes: [String]
  }
  struct Stored {
    let name: String
    let type: Int
    let shape: [Int]
    let data: [UInt8]
  }

  let nodes: [Node]
  let stored: [Stored]
  let inputs: [String]
  let outputs: [String]
  let operatorSet: Int

  init(_ bytes: [UInt8]) throws {
    let model = try ProtobufReader(bytes[...])
    let graph = try #require(try model.messages(7).first)
    operatorSet = try #require(try model.messages(8).first?.integers(2).first)
    nodes = try graph.messages(1).map { node in
      Node(
        type: try #require(node.texts(4).first), inputs: node.texts(1), outputs: node.texts(2),
        attributes: try node.messages(5).map { attribute in
          let name = try #require(attribute.texts(1).first)
          switch attribute.integers(20).first {
          case 1: return "\(name)=f"
          case 2: return "\(name)=\(try #require(attribute.integers(3).first))"
          default: return "\(name)=\(attribute.integers(8))"
          }
        })
    }
    stored = try graph.messages(5).map { tensor in
      Stored(
        name: try #require(tensor.texts(8).first), type: try #require(tensor.integers(2).first),
        shape: tensor.integers(1), data: Array(try #require(tensor.slices(9).first)))
    }
    func ports(_ number: Int) throws -> [String] {
      try graph.messages(number).map { port in
        let tensor = try #require(try port.messages(2).first?.messages(1).first)
        let axes = try #require(try tensor.messages(2).first).messages(1)
        let lengths = axes.map { $0.texts(2).first ?? "\($0.integers(1).first ?? -1)" }
        return "\(port.texts(1)[0]) \(tensor.integers(1)[0]) \(lengths.joined(separator: ","))"
      }
    }
    inputs = try ports(11)
    outputs = try ports(12)
  }

  /// One line for each part, as `Tools/export/onnx_listing.py` prints them.
  var listing: String {
    var lines = ["operators \(operatorSet)"]
    lines += inputs.map { "input \($0)" }
    lines += stored.map { tensor in
      "stored \(tensor.name) \(tensor.type) \(tensor.shape.map(String.init).joined(separator: ",")) "
        + "\(tensor.data.count)"
    }
    lines += nodes.map { node in
      "\(node.outputs.joined(separator: "; ")) = \(node.type)(\(node.inputs.joined(separator: "; ")))"
        + (node.attributes.isEmpty ? "" : " " + node.attributes.joined(separator: " "))
    }
    lines += outputs.map { "output \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }
}
