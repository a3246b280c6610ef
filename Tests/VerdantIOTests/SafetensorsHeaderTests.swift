import Testing
import VerdantBase
import VerdantIO

@Suite("Safetensors header")
struct SafetensorsHeaderTests {
  @Test("Frames", arguments: HeaderCases.frames) func frame(_ test: HeaderCase) { check(test) }
  @Test("Names", arguments: HeaderCases.names) func name(_ test: HeaderCase) { check(test) }
  @Test("Metadata", arguments: HeaderCases.metadata) func metadata(_ test: HeaderCase) {
    check(test)
  }
  @Test("Entries", arguments: HeaderCases.entries) func entry(_ test: HeaderCase) { check(test) }
  @Test("Offsets", arguments: HeaderCases.offsets) func offset(_ test: HeaderCase) { check(test) }

  private func check(_ test: HeaderCase) {
    do {
      _ = try header(fileBytes(test.json, data: test.data))
      #expect(test.kind == nil, "accepted")
    } catch {
      #expect(error.kind == test.kind, "\(error)")
      #expect(error.report.file == "test.safetensors")
      #expect(!error.description.contains("\n"))
      #expect(error.description.utf8.count < 2_000)
    }
  }

  @Test("The length field is checked first")
  func lengths() {
    func kind(_ bytes: [UInt8]) -> CheckpointError.Kind? {
      do {
        _ = try header(bytes)
        return nil
      } catch { return error.kind }
    }
    for count in 0..<8 { #expect(kind([UInt8](repeating: 0, count: count)) == .headerTooSmall) }
    #expect(kind(lengthField(0)) == .headerNotJSON)
    #expect(kind(lengthField(1) + [0x7B]) == .headerNotJSON)
    #expect(kind(lengthField(3) + Array("{}".utf8)) == .headerLengthBeyondFile)
    #expect(kind(lengthField(100_000_000) + Array("{}".utf8)) == .headerLengthBeyondFile)
    #expect(kind(lengthField(100_000_001) + Array("{}".utf8)) == .headerTooLarge)
    #expect(kind(lengthField(1 << 63) + Array("{}".utf8)) == .headerTooLarge)
    #expect(kind(lengthField(.max) + Array("{}".utf8)) == .headerTooLarge)
    #expect(kind(lengthField(.max - 7) + Array("{}".utf8)) == .headerTooLarge)
    #expect(kind(fileBytes([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D])) == .headerNotUTF8)
    #expect(kind(fileBytes([0x7B, 0x22, 0xED, 0xA0, 0x80, 0x22, 0x7D])) == .headerNotUTF8)
  }

  @Test("Nesting is limited also where values are ignored", arguments: [65, 513, 1_000_000])
  func nesting(depth: Int) {
    func json(_ depth: Int) -> String {
      #"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":"#
        + String(repeating: "[", count: depth - 2) + String(repeating: "]", count: depth - 2) + "}}"
    }
    check(.init(json(depth), 0, .headerNotJSON))
    check(.init(json(64), 0, nil))
    check(.init(String(repeating: "[", count: depth), 0, .headerNotJSON))
    check(.init("{\"a\":" + String(repeating: "[", count: depth), 0, .headerNotJSON))
    check(.init(String(repeating: "{\"a\":", count: depth), 0, .headerNotJSON))
  }

  @Test("Limits hold at the limit and one beyond")
  func limits() throws {
    var limits = Limits.standard
    limits.tensorsPerFile = 2
    limits.safetensorsHeaderBytes = 200
    func json(_ count: Int) -> String {
      "{"
        + (0..<count).map { #""\#($0)":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"# }
        .joined(separator: ",") + "}"
    }
    #expect(try header(fileBytes(json(2)), limits: limits).entries.count == 2)
    let many = #expect(throws: CheckpointError.self) {
      try header(fileBytes(json(3)), limits: limits)
    }
    #expect(many?.kind == .tooManyTensors)
    let padded = json(2) + String(repeating: " ", count: 200 - json(2).utf8.count)
    #expect(throws: Never.self) { try header(fileBytes(padded), limits: limits) }
    let larger = #expect(throws: CheckpointError.self) {
      try header(fileBytes(padded + " "), limits: limits)
    }
    #expect(larger?.kind == .headerTooLarge)
  }

  @Test("Errors name the file, the tensor, what was found and what would be right")
  func messages() throws {
    let error = #expect(throws: CheckpointError.self) {
      try header(
        fileBytes(
          #"{"w":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}"#,
          data: 4
        )
      )
    }
    #expect(
      error?.description == "error[65]: unknown dtype \"f32\" — test.safetensors:tensor \"w\" — "
        + "type names are in upper case — the closest one is \"F32\""
    )
    let good = try header(
      fileBytes(#"{"layer.weight":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#)
    )
    let missing = #expect(throws: CheckpointError.self) { try good.entry(named: "layer.wieght") }
    #expect(missing?.kind == .missingTensors)
    #expect(missing?.description.contains("the closest name is \"layer.weight\"") == true)
  }

  @Test("Two hundred thousand tensors, in reverse order")
  func manyTensors() throws {
    let count = 200_000
    var json = Array("{".utf8)
    for i in 0..<count {
      if i > 0 { json.append(UInt8(ascii: ",")) }
      let start = count - 1 - i
      json.append(
        contentsOf: #""t\#(i)":{"dtype":"U8","shape":[1],"data_offsets":[\#(start),\#(start + 1)]}"#
          .utf8
      )
    }
    json.append(UInt8(ascii: "}"))
    let parsed = try header(fileBytes(json, data: count))
    #expect(parsed.entries.count == count)
    #expect(parsed.entries.first?.name == "t199999")
    #expect(parsed["t0"]?.range == 199_999..<200_000)
  }
}
