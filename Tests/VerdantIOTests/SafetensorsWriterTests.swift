import Testing
import VerdantBase
import VerdantIO

@Suite("Safetensors writer")
struct SafetensorsWriterTests {
  @Test("The documented golden vectors")
  func goldenVectors() throws {
    let empty = try SafetensorsLayout([], metadata: [:])
    #expect(
      empty.header == [8, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20]
    )
    let mixed = try SafetensorsLayout(
      [
        TensorDescription(name: "z", dtype: .f32, shape: [2]),
        TensorDescription(name: "a", dtype: .i64, shape: [3]),
        TensorDescription(name: "m", dtype: .f16, shape: [3]),
        TensorDescription(name: "b", dtype: .f32, shape: [2, 2]),
      ],
      metadata: ["k": "v", "format": "pt"]
    )
    let json =
      #"{"__metadata__":{"format":"pt","k":"v"},"#
      + #""a":{"dtype":"I64","shape":[3],"data_offsets":[0,24]},"#
      + #""b":{"dtype":"F32","shape":[2,2],"data_offsets":[24,40]},"#
      + #""z":{"dtype":"F32","shape":[2],"data_offsets":[40,48]},"#
      + #""m":{"dtype":"F16","shape":[3],"data_offsets":[48,54]}}"#
    let padded = json + String(repeating: " ", count: 264 - json.utf8.count)
    #expect(mixed.header == lengthField(264) + Array(padded.utf8))
    #expect(mixed.byteCount == 8 + 264 + 54)
  }

  @Test("Types are ranked as the reference ranks them")
  func ranks() {
    #expect(
      StoredDType.allCases.map(\.name).joined(separator: " ")
        == "BOOL F4 F6_E2M3 F6_E3M2 U8 I8 F8_E5M2 F8_E4M3 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ "
        + "I16 U16 F16 BF16 I32 U32 F32 C64 F64 I64 U64"
    )
    #expect(StoredDType.allCases.map(\.rank) == Array(0..<22))
    #expect(StoredDType.allCases.sorted() == StoredDType.allCases)
  }

  static let refused: [(TensorDescription, CheckpointError.Kind)] = [
    (.init(name: "", dtype: .u8, shape: []), .invalidName),
    (.init(name: "__metadata__", dtype: .u8, shape: []), .invalidName),
    (.init(name: "a\u{0}", dtype: .u8, shape: []), .invalidName),
    (.init(name: "a\nb", dtype: .u8, shape: []), .invalidName),
    (.init(name: "a\u{202E}", dtype: .u8, shape: []), .invalidName),
    (.init(name: String(repeating: "é", count: 513), dtype: .u8, shape: []), .invalidName),
    (.init(name: "twice", dtype: .f32, shape: []), .duplicateName),
    (.init(name: "e\u{301}", dtype: .u8, shape: []), .duplicateName),
    (.init(name: "a", dtype: .u8, shape: [-1]), .invalidEntry),
    (.init(name: "a", dtype: .u8, shape: .init(repeating: 1, count: 9)), .tooManyDimensions),
    (.init(name: "a", dtype: .u8, shape: [1 << 40, 2]), .sizeOverflow),
    (.init(name: "a", dtype: .u8, shape: [.max, .max]), .sizeOverflow),
    (.init(name: "a", dtype: .u8, shape: [0, .max]), .sizeOverflow),
    (.init(name: "a", dtype: .f4, shape: [3]), .sizeMismatch),
    (.init(name: "a", dtype: .f6E2M3, shape: [2]), .sizeMismatch),
  ]

  @Test("What the reader refuses is refused before anything is written", arguments: refused)
  func refusals(tensor: TensorDescription, kind: CheckpointError.Kind) throws {
    let others = [
      TensorDescription(name: "twice", dtype: .u8, shape: [1]),
      TensorDescription(name: "\u{E9}", dtype: .u8, shape: [1]),
    ]
    let error = #expect(throws: CheckpointError.self) {
      try SafetensorsLayout(others + [tensor])
    }
    #expect(error?.kind == kind)
  }

  @Test("The sum of sizes, the number of tensors and the header are limited")
  func limits() throws {
    let large = (0..<(1 << 20)).lazy.map {
      TensorDescription(name: "\($0)", dtype: .f64, shape: [1 << 40])
    }
    var limits = Limits.standard
    limits.tensorsPerFile = .max
    let overflow = #expect(throws: CheckpointError.self) {
      try SafetensorsLayout(Array(large), limits: limits)
    }
    #expect(overflow?.kind == .sizeOverflow)
    limits.tensorsPerFile = 1
    let many = #expect(throws: CheckpointError.self) {
      try SafetensorsLayout(Array(large.prefix(2)), limits: limits)
    }
    #expect(many?.kind == .tooManyTensors)
    limits.safetensorsHeaderBytes = 1_000
    let header = #expect(throws: CheckpointError.self) {
      try SafetensorsLayout(
        [],
        metadata: ["a": String(repeating: "x", count: 1_000)],
        limits: limits
      )
    }
    #expect(header?.kind == .headerTooLarge)
  }

  @Test("A written file is read back, in pieces and with empty tensors between")
  func roundTrip() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      let layout = try SafetensorsLayout(
        [
          .init(name: "none", dtype: .u64, shape: [0, 3]), .init(name: "s", dtype: .f64, shape: []),
          .init(name: "none.too", dtype: .i8, shape: [0]), .init(name: "b", dtype: .u8, shape: [5]),
        ],
        metadata: ["format": "pt", "é": "\u{0}\"\n"]
      )
      try SafetensorsWriter.write(layout, to: path) { entry, write in
        for i in 0..<entry.byteCount {
          try [UInt8(i + entry.range.lowerBound)].withUnsafeBytes { try write($0) }
        }
      }
      #expect(try names(in: folder) == ["a.safetensors"])
      let file = try SafetensorsFile(path)
      #expect(file.entries == layout.entries)
      #expect(file.metadata == ["format": "pt", "é": "\u{0}\"\n"])
      #expect(try file.withBytes(of: "b") { Array($0) } == [8, 9, 10, 11, 12])
      #expect(try readFile(path, limit: 1_000).count == layout.byteCount)
    }
  }

  @Test("Too many, too few and misplaced bytes are errors and leave nothing behind")
  func wrongData() throws {
    let layout = try SafetensorsLayout([
      .init(name: "a", dtype: .u8, shape: [2]), .init(name: "b", dtype: .u8, shape: [2]),
    ])
    try withTemporaryFolder { folder throws in
      for counts in [[3, 2], [1, 2], [2, 1], [0, 2], [2, 3], [2, 0]] {
        let error = #expect(throws: CheckpointError.self) {
          try SafetensorsWriter.write(layout, to: "\(folder)/x") { entry, write in
            let count = counts[entry.name == "a" ? 0 : 1]
            try [UInt8](repeating: 1, count: count).withUnsafeBytes { try write($0) }
          }
        }
        #expect(error?.kind == .incompleteWrite)
        #expect(try names(in: folder).isEmpty)
      }
      struct Stop: Error {}
      #expect(throws: Stop.self) {
        try SafetensorsWriter.write(layout, to: "\(folder)/x") { _, _ in throw Stop() }
      }
      #expect(try names(in: folder).isEmpty)
    }
  }

  @Test("Files inside a folder appear with it, and an observer sees every byte")
  func insideFolder() throws {
    let layout = try SafetensorsLayout([.init(name: "a", dtype: .u8, shape: [3])])
    try withTemporaryFolder { parent in
      let folder = try AtomicFolder("\(parent)/model")
      var seen: [UInt8] = []
      try SafetensorsWriter.write(
        layout,
        into: folder,
        named: "model.safetensors",
        observer: { seen += $0 }
      ) { _, write in
        try [UInt8](1...3).withUnsafeBytes { try write($0) }
      }
      try folder.write(Array("{}".utf8), named: "config.json")
      #expect(try !names(in: parent).contains("model"))
      try folder.commit()
      #expect(try names(in: "\(parent)/model") == ["config.json", "model.safetensors"])
      #expect(try readFile("\(parent)/model/model.safetensors", limit: 1_000) == seen)
      #expect(seen == layout.header + [1, 2, 3])
    }
  }

  @Test("Two hundred thousand tensors are planned and read back")
  func many() throws {
    let layout = try SafetensorsLayout(
      (0..<200_000).map { .init(name: "layer.\($0)", dtype: .bf16, shape: [0]) }
    )
    #expect(try header(layout.header).entries == layout.entries)
  }
}
