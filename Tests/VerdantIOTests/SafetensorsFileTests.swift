import Foundation
import Testing
import VerdantBase
import VerdantIO

@Suite("Safetensors files")
struct SafetensorsFileTests {
  private static let json =
    #"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
    + #""w":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},"#
    + #""none":{"dtype":"F32","shape":[0],"data_offsets":[5,5]}}"#

  @Test("Bytes are given as they are, also at odd addresses", arguments: [true, false])
  func bytes(isMapped: Bool) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      try put(fileBytes(Self.json, data: 5), path)
      let file = try SafetensorsFile(path, access: isMapped ? .mapped : .copied)
      #expect(file.entries.map(\.name) == ["x", "w", "none"])
      #expect(file.metadata.isEmpty)
      #expect(try file.withBytes(of: "w") { Array($0) } == [1, 2, 3, 4])
      let value = try file.withBytes(of: "w") { $0.loadUnaligned(as: UInt32.self).littleEndian }
      #expect(value == 0x0403_0201)
      #expect(try file.withBytes(of: "none") { $0.count } == 0)
      let missing = #expect(throws: CheckpointError.self) { try file.withBytes(of: "v") { _ in } }
      #expect(missing?.kind == .missingTensors)
      #expect(missing?.report.file == path)
    }
  }

  @Test("What is not a regular file is refused without waiting")
  func notFiles() throws {
    try withTemporaryFolder { folder in
      func kind(_ path: String, followsLinks: Bool = true) -> CheckpointError.Kind? {
        do {
          _ = try SafetensorsFile(path, followsLinks: followsLinks)
          return nil
        } catch { return error.kind }
      }
      #expect(mkfifo("\(folder)/fifo", 0o600) == 0)
      #expect(symlink("loop", "\(folder)/loop") == 0)
      #expect(symlink("nowhere", "\(folder)/dangling") == 0)
      try put(fileBytes("{}"), "\(folder)/good")
      #expect(symlink("good", "\(folder)/link") == 0)
      #expect(kind("\(folder)/fifo") == .notARegularFile)
      #expect(kind(folder) == .notARegularFile)
      #expect(kind("/dev/null") == .notARegularFile)
      #expect(kind("/dev/zero") == .notARegularFile)
      #expect(kind("\(folder)/loop") == .io)
      #expect(kind("\(folder)/dangling") == .missingFile)
      #expect(kind("\(folder)/absent") == .missingFile)
      #expect(kind("\(folder)/good/inside") == .missingFile)
      #expect(kind("") == .io)
      #expect(kind("\(folder)/good\0") == .io)
      #expect(kind("\(folder)/link") == nil)
      #expect(kind("\(folder)/link", followsLinks: false) == .io)
    }
  }

  @Test("A file without permission is refused", .enabled(if: geteuid() != 0, "root may read all"))
  func unreadable() throws {
    try withTemporaryFolder { folder in
      try put(fileBytes("{}"), "\(folder)/a")
      #expect(chmod("\(folder)/a", 0) == 0)
      #expect(throws: CheckpointError.self) { try SafetensorsFile("\(folder)/a") }
    }
  }

  @Test("A file that becomes shorter while it is open is an error")
  func shrinking() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      try put(fileBytes(Self.json, data: 5), path)
      let mapped = try SafetensorsFile(path)
      let copied = try SafetensorsFile(path, access: .copied)
      #expect(truncate(path, 10) == 0)
      let error = #expect(throws: CheckpointError.self) { try mapped.withBytes(of: "w") { _ in } }
      #expect(error?.kind == .lengthMismatch)
      #expect(try copied.withBytes(of: "w") { Array($0) } == [1, 2, 3, 4])
    }
  }

  @Test("A sparse file of a terabyte is opened or refused by its header alone")
  func sparse() throws {
    try withTemporaryFolder { folder in
      let size = 1 << 40
      let zeros = "\(folder)/zeros"
      try put([], zeros)
      guard truncate(zeros, off_t(size)) == 0 else {
        print("SKIP the file system has no sparse file of 1 TB")
        return
      }
      let refused = #expect(throws: CheckpointError.self) { try SafetensorsFile(zeros) }
      #expect(refused?.kind == .headerNotJSON)
      let path = "\(folder)/large"
      let json = #"{"w":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}}"#
      let start = fileBytes(json)
      try put(start, path)
      #expect(truncate(path, off_t(start.count + size)) == 0)
      let file = try SafetensorsFile(path)
      #expect(try file.withBytes(of: "w") { $0[size - 1] } == 0)
    }
  }

  @Test("Values are not judged by the reader")
  func nonFinite() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/nan"
      let json = #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
      try put(fileBytes(json) + [0, 0, 0xC0, 0x7F], path)
      let bits = try SafetensorsFile(path).withBytes(of: "w") { $0.loadUnaligned(as: UInt32.self) }
      #expect(Float(bitPattern: UInt32(littleEndian: bits)).isNaN)
    }
  }
}
