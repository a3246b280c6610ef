import Testing
import VerdantBase
import VerdantIO

/// Files made by the reference implementation with `Tools/golden/safetensors_files.py`.
@Suite("Safetensors files of the reference")
struct SafetensorsGoldenTests {
  private func contents() throws -> JSONObject {
    let bytes = try readFile("\(goldenFolder)/contents.json", limit: 100_000)
    return try #require(try JSONValue(parsing: bytes).objectValue)
  }

  @Test("Names, types, shapes and bytes are those that the reference reads")
  func reading() throws {
    let contents = try contents()
    #expect(contents.count >= 10)
    for (name, expected) in contents {
      let file = try SafetensorsFile("\(goldenFolder)/\(name).safetensors")
      let tensors = try #require(expected.objectValue)
      #expect(file.entries.count == tensors.count)
      for (tensor, description) in tensors {
        let entry = try file.entry(named: tensor)
        #expect(entry.dtype.name == description["dtype"]?.stringValue)
        #expect(entry.shape == description["shape"]?.arrayValue?.compactMap(\.intValue))
        let hex = try file.withBytes(of: entry) { bytes in
          bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        #expect(hex == description["hex"]?.stringValue)
      }
    }
  }

  @Test("Written again they are the same byte for byte, from any order")
  func writing() throws {
    try withTemporaryFolder { folder in
      for name in try contents().keys {
        let path = "\(goldenFolder)/\(name).safetensors"
        let file = try SafetensorsFile(path)
        let tensors = file.entries.map {
          TensorDescription(name: $0.name, dtype: $0.dtype, shape: $0.shape)
        }
        for order in [tensors, tensors.reversed(), tensors.sorted { $0.name < $1.name }] {
          let layout = try SafetensorsLayout(order, metadata: file.metadata)
          try SafetensorsWriter.write(layout, to: "\(folder)/\(name)", overwriting: true) {
            entry,
            write in
            try file.withBytes(of: entry.name) { try write($0) }
          }
          #expect(
            try readFile("\(folder)/\(name)", limit: 100_000) == readFile(path, limit: 100_000),
            "\(name)"
          )
        }
      }
    }
  }
}
