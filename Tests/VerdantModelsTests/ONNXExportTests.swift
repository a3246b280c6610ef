import Foundation
import Testing
import Verdant

@Suite struct ONNXExportTests {
  /// The folder of graphs that ONNX Runtime gave the numbers of this package for.
  static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Golden/onnx").path

  static let names = [
    "classifier", "decoder", "encoder", "grouped", "images", "pair", "parallel", "relative",
  ]

  private func export(_ model: Transformer) throws -> ONNXReader {
    try withTemporaryFolder { folder in
      let report = try ModelExport(model, tokenizer: ByteTokenizer())
        .write(.onnx, to: folder + "/m.onnx")
      let bytes = try read(folder + "/m.onnx")
      #expect(bytes.count == report.byteCount)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["m.onnx"])
      return try ONNXReader(bytes)
    }
  }

  @Test(arguments: names)
  func graphsAreThoseThatWereChecked(_ name: String) throws {
    let config = try ModelFolder.config("\(Self.golden)/\(name)")
    let graph = try export(try Transformer(config, random: RandomSource(seed: 1)))
    let expected = try String(contentsOfFile: "\(Self.golden)/\(name)/graph.txt", encoding: .utf8)
    #expect(graph.listing == expected)
  }

  /// Every value is made before it is read, once; every tensor has the bytes of its shape.
  @Test(arguments: names)
  func graphsAreWellFormed(_ name: String) throws {
    let config = try ModelFolder.config("\(Self.golden)/\(name)")
    let graph = try export(try Transformer(config, random: RandomSource(seed: 1)))
    var known = Set(graph.inputs.map { String($0.split(separator: " ")[0]) })
    for tensor in graph.stored {
      #expect(known.insert(tensor.name).inserted, "\(tensor.name)")
      #expect(tensor.data.count == tensor.shape.reduce(tensor.type == 1 ? 4 : 8, *))
    }
    var isRead: Set<String> = []
    for node in graph.nodes {
      for input in node.inputs { #expect(known.contains(input), "\(input)") }
      isRead.formUnion(node.inputs)
      for output in node.outputs { #expect(known.insert(output).inserted, "\(output)") }
    }
    for output in graph.outputs {
      #expect(known.contains(String(output.split(separator: " ")[0])), "\(output)")
    }
    for tensor in graph.stored { #expect(isRead.contains(tensor.name), "\(tensor.name)") }
  }

  @Test func weightsAreThoseOfTheModel() throws {
    let model = try byteModel()
    let graph = try export(model)
    let stored = Dictionary(uniqueKeysWithValues: graph.stored.map { ($0.name, $0) })
    var count = 0
    model.forEachParameter { name, parameter in
      guard let tensor = stored[name] else {
        Issue.record("no \(name)")
        return
      }
      let isMatrix = parameter.role == .weight
      let value = isMatrix ? parameter.value.permuted(1, 0) : parameter.value
      #expect(tensor.shape == Array(value.shape))
      #expect(tensor.data == value.floats.flatMap { withUnsafeBytes(of: $0) { Array($0) } })
      count += 1
    }
    #expect(count == model.parameters.count)
  }

  @Test func writingTwiceGivesTheSameBytes() throws {
    let model = try byteModel()
    try withTemporaryFolder { folder in
      let export = ModelExport(model, tokenizer: ByteTokenizer())
      for name in ["a", "b"] {
        for format in ExportFormat.allCases {
          _ = try export.write(format, to: "\(folder)/\(name).\(format.rawValue)")
        }
      }
      for format in ExportFormat.allCases.map(\.rawValue) {
        #expect(try read("\(folder)/a.\(format)") == read("\(folder)/b.\(format)"))
      }
    }
  }

  @Test func blocksThatAreUsedAgainAreStoredOnce() throws {
    var config = ModelConfig(blocks: 2, width: 8, heads: 2, maximumLength: 8)
    config.order = [0, 1, 0, 1]
    let graph = try export(try Transformer(config, random: RandomSource(seed: 1)))
    #expect(graph.stored.count { $0.name.hasSuffix("mixer.query.weight") } == 2)
    #expect(graph.nodes.count { $0.type == "Softmax" } == 4)
  }
}
