import Foundation
import Testing
import VerdantBase
import VerdantIO

@Suite("Outputs that appear when they are complete")
struct AtomicOutputTests {
  @Test("A file appears at commit and leaves no other trace")
  func file() throws {
    try withTemporaryFolder { folder in
      let file = try AtomicFile("\(folder)/a.txt")
      try file.output.write("hello ")
      try file.output.write([0x77])
      #expect(try names(in: folder).allSatisfy { $0.hasPrefix(".tmp-a.txt-\(getpid())-") })
      try file.commit()
      try file.commit()
      file.discard()
      #expect(try names(in: folder) == ["a.txt"])
      #expect(try readFile("\(folder)/a.txt", limit: 100) == Array("hello w".utf8))
      #expect(throws: FileError.self) { try file.output.write("late") }
    }
  }

  @Test("Without commit nothing is left behind")
  func abandoned() throws {
    try withTemporaryFolder { folder in
      do {
        let file = try AtomicFile("\(folder)/a")
        try file.output.write("x")
        let inner = try AtomicFolder("\(folder)/b")
        try inner.write([1], named: "c")
        _ = try inner.makeFile(named: "d")
      }
      #expect(try names(in: folder).isEmpty)
    }
  }

  @Test("Nothing that exists is replaced unasked")
  func existing() throws {
    try withTemporaryFolder { folder in
      try put([1], "\(folder)/a")
      #expect(symlink("nowhere", "\(folder)/dangling") == 0)
      #expect(mkdir("\(folder)/empty", 0o700) == 0)
      for name in ["a", "dangling", "empty", "empty/"] {
        let file = #expect(throws: FileError.self) { _ = try AtomicFile("\(folder)/\(name)") }
        #expect(file?.kind == .exists && file?.exitCode == .cannotCreate)
        let inner = #expect(throws: FileError.self) { _ = try AtomicFolder("\(folder)/\(name)") }
        #expect(inner?.kind == .exists && inner?.exitCode == .cannotCreate)
      }
      let device = #expect(throws: FileError.self) { _ = try AtomicFile("/dev/full") }
      #expect(device?.exitCode == .cannotCreate)
      #expect(try readFile("\(folder)/a", limit: 9) == [1])
    }
  }

  @Test("What appears between start and commit is not replaced either")
  func race() throws {
    try withTemporaryFolder { folder in
      let file = try AtomicFile("\(folder)/a")
      try file.output.write("mine")
      try put([1], "\(folder)/a")
      let error = #expect(throws: FileError.self) { try file.commit() }
      #expect(error?.kind == .exists)
      let inner = try AtomicFolder("\(folder)/b")
      #expect(mkdir("\(folder)/b", 0o700) == 0)
      #expect(throws: FileError.self) { try inner.commit() }
      #expect(try names(in: folder) == ["a", "b"])
      #expect(try readFile("\(folder)/a", limit: 9) == [1])
    }
  }

  @Test("Replacing on request replaces as a whole, and only what is of the same kind")
  func overwriting() throws {
    try withTemporaryFolder { folder in
      try put([1], "\(folder)/a")
      let file = try AtomicFile("\(folder)/a", overwriting: true)
      try file.output.write([2])
      #expect(try readFile("\(folder)/a", limit: 9) == [1])
      try file.commit()
      #expect(try readFile("\(folder)/a", limit: 9) == [2])
      #expect(mkdir("\(folder)/b", 0o700) == 0 && mkdir("\(folder)/b/deep", 0o700) == 0)
      try put([1], "\(folder)/b/deep/old")
      #expect(symlink("../a", "\(folder)/b/link") == 0)
      let inner = try AtomicFolder("\(folder)/b", overwriting: true)
      try inner.write([3], named: "new")
      try inner.commit()
      #expect(try names(in: "\(folder)/b") == ["new"])
      #expect(try names(in: folder) == ["a", "b"])
      #expect(throws: FileError.self) { _ = try AtomicFile("\(folder)/b", overwriting: true) }
      #expect(throws: FileError.self) { _ = try AtomicFolder("\(folder)/a", overwriting: true) }
      let fresh = try AtomicFolder("\(folder)/c/", overwriting: true)
      try fresh.commit()
      #expect(try names(in: folder) == ["a", "b", "c"])
    }
  }

  @Test(
    "Paths that name nothing are refused",
    arguments: ["", "/", "//", ".", "..", "a/..", "a/.", "x\0y"]
  )
  func badPaths(path: String) {
    #expect(throws: FileError.self) { _ = try AtomicFile(path) }
    #expect(throws: FileError.self) { _ = try AtomicFolder(path) }
  }

  @Test(
    "Names of files inside are single, plain components",
    arguments: [
      "", ".", "..", ".hidden", "-rf", "a/b/c", "a/../b", "a/.b", "a/", "/a", "..\\a", "a\u{0}",
      "a\n", "a\u{202E}",
      String(repeating: "a", count: 256),
    ]
  )
  func badNames(name: String) throws {
    #expect(!isSafeFileName(name))
    try withTemporaryFolder { parent in
      let folder = try AtomicFolder("\(parent)/f")
      let error = #expect(throws: FileError.self) { try folder.write([1], named: name) }
      #expect(error?.kind == .invalidPath)
    }
  }

  @Test("A file may stand in a folder inside")
  func folderInside() throws {
    try withTemporaryFolder { parent in
      let folder = try AtomicFolder("\(parent)/f")
      try folder.write([1], named: "a/b")
      try folder.write([2], named: "a/c")
      try folder.commit()
      #expect(try readFile("\(parent)/f/a/c", limit: 1) == [2])
      let other = try AtomicFolder("\(parent)/g")
      try other.write([1], named: "a/b")
      other.discard()
      #expect(try fileNames(in: parent) == ["f"])
    }
  }

  @Test("A file inside is made once")
  func twice() throws {
    try withTemporaryFolder { parent in
      let folder = try AtomicFolder("\(parent)/f")
      try folder.write([1], named: "a")
      #expect(throws: FileError.self) { try folder.write([2], named: "a") }
      try folder.commit()
      #expect(try readFile("\(parent)/f/a", limit: 9) == [1])
      #expect(throws: FileError.self) { try folder.write([2], named: "b") }
    }
  }

  @Test("A missing folder and a full device have their exit status")
  func failures() throws {
    try withTemporaryFolder { folder in
      let missing = #expect(throws: FileError.self) { _ = try AtomicFile("\(folder)/no/a") }
      #expect(missing?.exitCode == .cannotCreate)
      #expect(missing?.report.advice == "create its folder first")
      #expect(throws: FileError.self) { _ = try AtomicFolder("\(folder)/no/a") }
    }
    let full = open("/dev/full", O_WRONLY)
    defer { _ = close(full) }
    guard full >= 0 else {
      print("SKIP there is no /dev/full")
      return
    }
    let error = #expect(throws: FileError.self) {
      try writeFully([1, 2, 3], to: full, named: "standard output")
    }
    #expect(error?.kind == .noSpace && error?.exitCode == .ioError)
    #expect(error?.description.hasPrefix("error[74]: cannot write — standard output") == true)
    let closed = #expect(throws: FileError.self) {
      try writeFully([1], to: -1, named: "standard output")
    }
    #expect(closed?.exitCode == .ioError)
  }

  @Test("Space that is not there is refused in advance and leaves nothing behind")
  func reserving() throws {
    try withTemporaryFolder { folder in
      let layout = try SafetensorsLayout(
        (0..<1_000).map { .init(name: "\($0)", dtype: .f64, shape: [1 << 40]) }
      )
      let error = #expect(throws: FileError.self) {
        try SafetensorsWriter.write(layout, to: "\(folder)/a") { _, _ in }
      }
      #expect(error?.kind == .noSpace)
      #expect(try names(in: folder).isEmpty)
      let file = try AtomicFile("\(folder)/b")
      try file.output.reserve(100_000)
      try file.output.write([1, 2])
      try file.commit()
      #expect(try readFile("\(folder)/b", limit: 9) == [1, 2])
    }
  }

  @Test("A folder without permission", .enabled(if: geteuid() != 0, "root may write anywhere"))
  func readOnly() throws {
    try withTemporaryFolder { folder in
      #expect(chmod(folder, 0o500) == 0)
      defer { _ = chmod(folder, 0o700) }
      let error = #expect(throws: FileError.self) { _ = try AtomicFile("\(folder)/a") }
      #expect(error?.exitCode == .cannotCreate)
    }
  }

  @Test("Long names stay within what file systems allow")
  func longNames() throws {
    try withTemporaryFolder { folder in
      let name = String(repeating: "é", count: 120)
      let file = try AtomicFile("\(folder)/\(name)")
      try file.commit()
      #expect(try names(in: folder) == [name])
    }
  }
}
