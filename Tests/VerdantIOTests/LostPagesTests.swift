import Foundation
import Testing
import VerdantBase
import VerdantIO

@Suite("Files that are cut off while they are mapped", .serialized)
struct LostPagesTests {
  @Test("The process ends with 74 and the name of the file")
  func ends() async throws {
    let result = await #expect(
      processExitsWith: .exitCode(74), observing: [\.standardErrorContent]
    ) {
      try withTemporaryFolder { folder in
        LostPages.endProcess()
        try put([UInt8](repeating: 7, count: 100_000), "\(folder)/other")
        try put([UInt8](repeating: 7, count: 100_000), "\(folder)/cut \u{1B}[2m")
        let other = try MappedFile("\(folder)/other")
        let file = try MappedFile("\(folder)/cut \u{1B}[2m")
        let sum = try file.withBytes { bytes in
          guard truncate(file.path, 10) == 0 else { return 0 }
          return bytes.reduce(0) { $0 + Int($1) }
        }
        _ = (sum, other.count)
      }
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("error[74]: the file became shorter while it was read"), "\(text)")
    #expect(text.contains("cut \\u{1b}[2m — it had 100000 bytes"), "\(text)")
    #expect(!text.contains("other"))
  }

  @Test("Mappings that ended are forgotten, and there may be many")
  func many() async {
    let result = await #expect(
      processExitsWith: .exitCode(74), observing: [\.standardErrorContent]
    ) {
      try withTemporaryFolder { folder in
        LostPages.endProcess { "cut: \($0.file ?? "")" }
        try put([UInt8](repeating: 7, count: 5_000), "\(folder)/a")
        for _ in 0..<3 {
          let files = try (0..<200).map { _ in try MappedFile("\(folder)/a") }
          guard files.allSatisfy({ $0.count == 5_000 }) else { return }
        }
        let file = try MappedFile("\(folder)/a")
        try file.withBytes { bytes in
          guard truncate(file.path, 0) == 0 else { return }
          _exit(Int32(bytes[4_999]))
        }
      }
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("cut: /") && text.contains("/a\n"), "\(text)")
  }

  @Test("A file that is read at places gives an error instead")
  func randomAccess() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a"
      try put(Array(0..<100), path)
      let file = try RandomAccessFile(path)
      #expect(file.count == 100)
      #expect(try file.bytes(in: 10..<12) == [10, 11])
      #expect(try file.bytes(in: 98..<200) == [98, 99])
      #expect(try file.bytes(in: 100..<100).isEmpty)
      var two: [UInt8] = [0, 0]
      for offset in [-1, 99, 101, .max, .min] {
        let error = #expect(throws: FileError.self) {
          try two.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
        }
        #expect(error?.kind == .tooLarge)
      }
      #expect(truncate(path, 11) == 0)
      #expect(try file.bytes(in: 0..<11).count == 11)
      let error = #expect(throws: FileError.self) { try file.bytes(in: 10..<12) }
      #expect(error?.kind == .changed && error?.exitCode == .ioError)
      #expect(error?.report.file == path)
      #expect(throws: FileError.self) { try RandomAccessFile(folder) }
      #expect(throws: FileError.self) { try RandomAccessFile(path + "x") }
    }
  }
}
