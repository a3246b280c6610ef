import Foundation
import Testing

/// Reads files of GGUF, for the checks of what was written.
struct GGUFReader {
  struct Tensor {
    let name: String
    /// Row-major.
    let shape: [Int]
    let type: UInt32
    let data: [UInt8]
  }

  /// Facts, as texts.
  private(set) var facts: [String: String] = [:]
  /// Facts that are lists of texts.
  private(set) var lists: [String: [String]] = [:]
  private(set) var tensors: [Tensor] = []

  init(_ bytes: [UInt8]) throws {
    var at = 0
    func take(_ count: Int) throws -> ArraySlice<UInt8> {
      try #require(count >= 0 && at + count <= bytes.count)
      defer { at += count }
      return bytes[at..<at + count]
    }
    func number(_ count: Int) throws -> UInt64 {
      try take(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    func text() throws -> String {
      String(decoding: try take(Int(number(8))), as: UTF8.self)
    }
    func value(_ type: UInt64) throws -> String {
      switch type {
      case 4: return "\(try number(4))"
      case 5: return "\(Int32(bitPattern: UInt32(try number(4))))"
      case 6: return "\(Float(bitPattern: UInt32(try number(4))))"
      case 7: return try number(1) == 1 ? "true" : "false"
      case 8: return try text()
      default:
        Issue.record("a type that is never written: \(type)")
        return ""
      }
    }
    #expect(try take(4) == Array("GGUF".utf8)[...])
    #expect(try number(4) == 3)
    let (tensorCount, factCount) = (Int(try number(8)), Int(try number(8)))
    for _ in 0..<factCount {
      let key = try text()
      let type = try number(4)
      try #require(facts[key] == nil && lists[key] == nil)
      if type == 9 {
        let item = try number(4)
        lists[key] = try (0..<Int(number(8))).map { _ in try value(item) }
      } else {
        facts[key] = try value(type)
      }
    }
    var plans: [(String, [Int], UInt32, Int)] = []
    for _ in 0..<tensorCount {
      let name = try text()
      let lengths = try (0..<Int(number(4))).map { _ in Int(try number(8)) }
      plans.append((name, lengths.reversed(), UInt32(try number(4)), Int(try number(8))))
    }
    let zeros = try take((32 - at % 32) % 32)
    #expect(zeros.allSatisfy { $0 == 0 })
    let start = at
    for (name, shape, type, offset) in plans {
      #expect(at == start + offset, "\(name)")
      let count = shape.reduce(1, *)
      let sizes: [UInt32: (Int, Int)] = [0: (1, 4), 1: (1, 2), 2: (32, 18), 8: (32, 34)]
      let (block, size) = try #require(sizes[type])
      #expect(count % block == 0 && (shape.last ?? 0) % block == 0)
      tensors.append(
        Tensor(name: name, shape: shape, type: type, data: Array(try take(count / block * size))))
      #expect(try take((32 - at % 32) % 32).allSatisfy { $0 == 0 })
    }
    #expect(at == bytes.count)
  }

  subscript(name: String) -> Tensor? { tensors.first { $0.name == name } }
}

extension GGUFReader.Tensor {
  /// The numbers of a tensor in f32.
  var floats: [Float] {
    stride(from: 0, to: data.count, by: 4).map { at in
      Float(bitPattern: data[at..<at + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
  }
}
