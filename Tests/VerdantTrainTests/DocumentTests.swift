import Foundation
import Testing
import Verdant

@Suite struct DocumentTests {
  private func documents(
    _ bytes: some Sequence<UInt8>,
    named name: String = "a.txt",
    encoding: TextEncoding = .utf8
  ) throws -> [[UInt8]] {
    try withTemporaryFolder { folder in
      try put(bytes, folder + "/" + name)
      return try TextDocuments([folder + "/" + name], encoding: encoding).documents
    }
  }

  private func error(
    _ bytes: some Sequence<UInt8>,
    named name: String = "a.txt",
    encoding: TextEncoding = .utf8
  ) throws -> DataError? {
    do {
      _ = try documents(bytes, named: name, encoding: encoding)
      return nil
    } catch let error as DataError {
      #expect(error.report.file?.hasSuffix(name) == true)
      return error
    }
  }

  @Test(arguments: [
    "plain", "no final newline\nhere", "a\r\nb\r\n", "lone \r here", "u\u{2028}x\u{2029}", "\n\n\n",
    "Grüße 世界 😀\n", "\u{7F}\u{1B}[31m\u{200B}", "x",
  ])
  func textIsKeptAsItIs(_ text: String) throws {
    #expect(try documents(text.utf8) == [Array(text.utf8)])
  }

  @Test func byteOrderMarkIsNoText() throws {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    #expect(try documents(mark + [65]) == [[65]])
    #expect(try documents(mark + [65], encoding: .bytes) == [mark + [65]])
    #expect(try documents(mark + Array("{\"text\": \"x\"}".utf8), named: "a.jsonl") == [[120]])
    #expect(try error(mark)?.kind == .empty)
    // UTF-16 and UTF-32 have NUL bytes or are no UTF-8.
    #expect(try error([0xFE, 0xFF, 0, 65])?.exitCode == .badData)
    #expect(try error([0xFF, 0xFE, 65, 0])?.exitCode == .badData)
  }

  @Test func missingAndEmpty() throws {
    let missing = #expect(throws: DataError.self) { try TextDocuments(["/nonexistent/a.txt"]) }
    #expect(missing?.exitCode == .missingInput)
    #expect(try error([])?.kind == .empty)
    #expect(throws: DataError.self) { try TextDocuments([]) }
    #expect(throws: DataError.self) { try TextDocuments([""]) }
    #expect(throws: DataError.self) { try TextDocuments(["a\u{0}b"]) }
    try withTemporaryFolder { folder in
      let error = #expect(throws: DataError.self) { try TextDocuments([folder]) }
      #expect(error?.kind == .empty)
    }
  }

  @Test func nulBytes() throws {
    let error = try #require(try error([65, 66, 0, 67]))
    #expect(error.kind == .binary && error.exitCode == .badData)
    #expect(error.report.place == "byte 2")
    #expect(try documents([65, 0], encoding: .bytes) == [[65, 0]])
  }

  @Test(
    arguments: [
      [0x80], [0xBF, 0xBF], [0xC0, 0xAF], [0xC1, 0x81], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80],
      [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
      [0xF0, 0x80, 0x80, 0x80],
      [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
    ] as [[UInt8]]
  )
  func invalidUTF8(_ bytes: [UInt8]) throws {
    for before in ["", "ab", "Grüße 😀"] {
      for after in ["", "z"] {
        let whole = Array(before.utf8) + bytes + Array(after.utf8)
        let error = try #require(try error(whole))
        #expect(error.kind == .notUTF8 && error.exitCode == .badData)
        #expect(error.report.place == "byte \(before.utf8.count)")
        #expect(try documents(whole, encoding: .bytes) == [whole])
      }
    }
  }

  @Test(
    arguments: [
      ("gzip", [0x1F, 0x8B, 8, 0]), ("zip", [0x50, 0x4B, 3, 4, 20]), ("zip", [0x50, 0x4B, 5, 6]),
      ("zstandard", [0x28, 0xB5, 0x2F, 0xFD]), ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]),
      ("bzip2", Array("BZh91AY&SY".utf8)), ("parquet", Array("PAR1".utf8)),
    ] as [(String, [UInt8])]
  )
  func archivesAreNamed(_ name: String, _ bytes: [UInt8]) throws {
    for file in ["a.txt", "a.jsonl", "a.gz"] {
      let error = try #require(try error(bytes, named: file))
      #expect(error.kind == .unsupported && error.exitCode == .badData)
      #expect(error.report.what.contains(name))
    }
    #expect(throws: Never.self) { try documents("BZh and PK and PAR".utf8) }
  }

  @Test func linesOfJSON() throws {
    let text = """
      {"text": "one", "label": 3}\r

        \t
      {"label": [{"text": "inner"}], "text": "zwei \\u00fc\\n"}
      {"text": ""}
      {"text": "last"}
      """
    let found = try documents(text.utf8, named: "a.jsonl")
    #expect(found.map { String(decoding: $0, as: UTF8.self) } == ["one", "zwei ü\n", "last"])
    #expect(try documents((text + "\n").utf8, named: "a.jsonl") == found)
  }

  @Test(arguments: [
    ("{\"text\": \"a\"", DataError.Kind.badLine), ("{\"text\": a}", .badLine),
    ("nonsense", .badLine),
    ("{\"text\": \"a\"} x", .badLine), ("{\"text\": \"\\ud800\"}", .badLine),
    ("{\"text\": \"a\u{1}\"}", .badLine), ("{\"text\": 1e999}", .badLine), ("\u{0}", .badLine),
    ("{\"text\": \"a\", \"text\": \"b\"}", .duplicateKey), ("{\"txt\": \"a\"}", .missingField),
    ("{}", .missingField), ("[]", .missingField), ("\"text\"", .missingField), ("3", .missingField),
    ("{\"text\": 3}", .wrongType), ("{\"text\": null}", .wrongType),
    ("{\"text\": [\"a\"]}", .wrongType),
    (String(repeating: "[", count: 100_000), .badLine),
    (
      "{\"text\": " + String(repeating: "[", count: 65) + String(repeating: "]", count: 65) + "}",
      .badLine
    ),
  ])
  func badLines(_ line: String, _ kind: DataError.Kind) throws {
    let good = "{\"text\": \"a\"}\n\n"
    let error = try #require(try error((good + line + "\n" + good).utf8, named: "a.jsonl"))
    #expect(error.kind == kind, "\(error)")
    #expect(error.report.place?.hasPrefix("line 3") == true)
    #expect(error.exitCode == .badData)
    #expect(!error.report.what.isEmpty)
  }

  @Test func invalidUTF8InLines() throws {
    let line = Array("{\"text\": \"".utf8) + [0xC0, 0xAF] + Array("\"}\n".utf8)
    let error = try #require(try error(line, named: "a.jsonl"))
    #expect(error.kind == .badLine)
    #expect(error.report.place == "line 1, byte 10")
  }

  @Test func onlyEmptyLines() throws {
    #expect(try error("\n\n \n".utf8, named: "a.jsonl")?.kind == .empty)
    #expect(try error("{\"text\": \"\"}\n".utf8, named: "a.jsonl")?.kind == .empty)
  }

  @Test func folders() throws {
    try withTemporaryFolder { folder in
      try makeFolder(folder + "/b/c")
      try put("2".utf8, folder + "/b/second.txt")
      try put("3".utf8, folder + "/b/c/third.txt")
      try put("{\"text\": \"4\"}\n{\"text\": \"5\"}".utf8, folder + "/c.jsonl")
      try put("1".utf8, folder + "/a.txt")
      try put("x".utf8, folder + "/.hidden")
      try makeFolder(folder + "/.git")
      try put("x".utf8, folder + "/.git/config")
      try put([0x89, 0x50, 0x4E, 0x47, 0, 0], folder + "/picture.png")
      try put([65, 0xFF], folder + "/latin.txt")
      try put([0x1F, 0x8B, 8], folder + "/packed.gz")
      #expect(mkfifo(folder + "/pipe", 0o600) == 0)
      let found = try TextDocuments([folder])
      #expect(
        found.documents.map { String(decoding: $0, as: UTF8.self) } == ["1", "3", "2", "4", "5"]
      )
      #expect(
        found.files.map { $0.dropFirst(folder.count) } == [
          "/a.txt", "/b/c/third.txt", "/b/second.txt", "/c.jsonl",
        ]
      )
      #expect(
        found.skippedFiles.map { $0.dropFirst(folder.count + 1) }
          == ["latin.txt", "packed.gz", "picture.png", "pipe"]
      )
      #expect(found.byteCount == 5)
      // Named twice is read twice.
      #expect(try TextDocuments([folder, folder]).documents.count == 10)
      // A bad line is an error in a folder, too.
      try put("{".utf8, folder + "/d.jsonl")
      #expect(throws: DataError.self) { try TextDocuments([folder]) }
    }
  }

  @Test func foldersWithoutText() throws {
    try withTemporaryFolder { folder in
      try put([0, 1], folder + "/a.bin")
      let error = #expect(throws: DataError.self) { try TextDocuments([folder]) }
      #expect(error?.kind == .empty)
      #expect(error?.report.advice?.contains("1 files") == true)
    }
  }

  @Test func pipesDoNotBlock() throws {
    try withTemporaryFolder { folder in
      #expect(mkfifo(folder + "/pipe", 0o600) == 0)
      let error = #expect(throws: DataError.self) { try TextDocuments([folder + "/pipe"]) }
      #expect(error?.kind == .notARegularFile)
    }
    #expect(throws: DataError.self) { try TextDocuments(["/dev/zero"]) }
  }

  @Test func loopsOfLinksEnd() throws {
    try withTemporaryFolder { folder in
      let files = FileManager.default
      try makeFolder(folder + "/inner")
      try put("text".utf8, folder + "/inner/a.txt")
      for name in ["l1", "l2", "inner/l3", "inner/l4"] {
        try files.createSymbolicLink(
          atPath: folder + "/" + name,
          withDestinationPath: folder
        )
      }
      #expect(try TextDocuments([folder]).documents == [Array("text".utf8)])
      try files.createSymbolicLink(atPath: folder + "/self", withDestinationPath: "self")
      #expect(throws: DataError.self) { try TextDocuments([folder]) }
      #expect(throws: DataError.self) { try TextDocuments([folder + "/self"]) }
    }
  }

  @Test func foldersByManyWaysAreReadOnce() throws {
    try withTemporaryFolder { folder in
      let files = FileManager.default
      // Each level links twice to the next: 2³⁰ ways to the last.
      for level in 0..<30 {
        try makeFolder("\(folder)/d\(level)")
        for way in ["a", "b"] {
          try files.createSymbolicLink(
            atPath: "\(folder)/d\(level)/\(way)",
            withDestinationPath: "\(folder)/d\(level + 1)"
          )
        }
      }
      try makeFolder(folder + "/d30")
      try put("x".utf8, folder + "/d30/x.txt")
      #expect(try TextDocuments([folder + "/d0"]).documents.count == 1)
    }
  }

  @Test func deepFoldersAreRefused() throws {
    try withTemporaryFolder { folder in
      try makeFolder(folder + String(repeating: "/d", count: 70))
      let error = #expect(throws: DataError.self) { try TextDocuments([folder]) }
      #expect(error?.kind == .unsupported)
    }
  }

  @Test func filesBeyondTheMemoryAreRefused() throws {
    try withTemporaryFolder { folder in
      try put([65], folder + "/a.txt")
      // A hole takes no space on disk.
      try #require(truncate(folder + "/a.txt", 1 << 42) == 0)
      for encoding in TextEncoding.allCases {
        let error = #expect(throws: DataError.self) {
          try TextDocuments([folder + "/a.txt"], encoding: encoding)
        }
        #expect(error?.kind == .tooLarge)
      }
    }
  }
}
