import Foundation
import Testing
import VerdantBase
import VerdantIO

@Suite("Reading files")
struct MappedFileTests {
  @Test("All bytes and ranges of them", arguments: [FileAccess.mapped, .copied])
  func bytes(access: FileAccess) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a"
      try put(Array(0..<100), path)
      let file = try MappedFile(path, access: access)
      #expect(file.count == 100)
      #expect(try file.withBytes { Array($0) } == Array(0..<100))
      #expect(try file.withBytes(in: 10..<12) { Array($0) } == [10, 11])
      #expect(try file.withBytes(in: 100..<100) { $0.count } == 0)
      for range in [99..<101, -1..<1, 101..<101, .min ..< .max] {
        #expect(throws: FileError.self) { try file.withBytes(in: range) { _ in } }
      }
    }
  }

  @Test("An empty file", arguments: [FileAccess.mapped, .copied])
  func empty(access: FileAccess) throws {
    try withTemporaryFolder { folder in
      try put([], "\(folder)/a")
      let file = try MappedFile("\(folder)/a", access: access)
      #expect(file.count == 0)
      #expect(try file.withBytes { $0.count } == 0)
      #expect(try file.withBytes(in: 0..<0) { $0.count } == 0)
      #expect(try readFile("\(folder)/a", limit: 0).isEmpty)
    }
  }

  @Test("A pipe without writer, a folder and a device are errors at once")
  func notRegular() throws {
    try withTemporaryFolder { folder in
      #expect(mkfifo("\(folder)/fifo", 0o600) == 0)
      for path in ["\(folder)/fifo", folder, "/dev/null", "/dev/full"] {
        let error = #expect(throws: FileError.self) { try MappedFile(path) }
        #expect(error?.kind == .notARegularFile)
        #expect(error?.report.file == path)
      }
    }
  }

  @Test("The limit of a whole read holds at the limit and one beyond")
  func limit() throws {
    try withTemporaryFolder { folder in
      try put(Array(0..<10), "\(folder)/a")
      #expect(try readFile("\(folder)/a", limit: 10) == Array(0..<10))
      let error = #expect(throws: FileError.self) { try readFile("\(folder)/a", limit: 9) }
      #expect(error?.kind == .tooLarge)
      #expect(error?.exitCode == .badData)
    }
  }

  @Test("What is missing says so and has the right exit status")
  func missing() {
    let error = #expect(throws: FileError.self) { try readFile("/nowhere/at/all", limit: 1) }
    #expect(error?.kind == .missing)
    #expect(error?.exitCode == .missingInput)
    #expect(
      error?.description == "error[66]: cannot open — /nowhere/at/all — No such file or directory"
    )
  }

  @Test("A file that becomes shorter is an error, one that grows is not")
  func changing() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a"
      try put([UInt8](repeating: 7, count: 10_000), path)
      let file = try MappedFile(path)
      #expect(truncate(path, 20_000) == 0)
      #expect(try file.withBytes { $0[9_999] } == 7)
      #expect(truncate(path, 9_999) == 0)
      let error = #expect(throws: FileError.self) { try file.withBytes { _ in } }
      #expect(error?.kind == .changed)
      // During the access, inside of the last page.
      let other = try MappedFile(path)
      let late = #expect(throws: FileError.self) {
        try other.withBytes { bytes in
          #expect(truncate(path, 9_990) == 0)
          return bytes[9_995]
        }
      }
      #expect(late?.kind == .changed && late?.exitCode == .ioError)
    }
  }
}
