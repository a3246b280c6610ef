import Foundation
import Testing
import Verdant

/// Reads a file with labels from bytes.
func labeled(
  _ bytes: some Sequence<UInt8>, named name: String = "a.csv",
  labels: LabelTable? = nil, _ change: (inout RecordOptions) -> Void = { _ in }
) throws -> LabeledTexts {
  var options = RecordOptions()
  change(&options)
  return try withTemporaryFolder { folder in
    try put(bytes, folder + "/" + name)
    return try LabeledTexts([folder + "/" + name], options, labels: labels)
  }
}

/// The error of reading a file with labels.
func labeledError(
  _ bytes: some Sequence<UInt8>, named name: String = "a.csv", labels: LabelTable? = nil,
  sourceLocation: SourceLocation = #_sourceLocation,
  _ change: (inout RecordOptions) -> Void = { _ in }
) -> DataError? {
  let error = #expect(throws: DataError.self, sourceLocation: sourceLocation) {
    try labeled(bytes, named: name, labels: labels, change)
  }
  #expect(error?.report.file?.hasSuffix(name) == true, sourceLocation: sourceLocation)
  #expect(error?.exitCode == .badData, sourceLocation: sourceLocation)
  return error
}

extension LabeledTexts {
  fileprivate var texts: [String] { examples.map { String(decoding: $0.text, as: UTF8.self) } }
  fileprivate var names: [String] { examples.map { labels.names[Int($0.label)] } }
}

@Suite struct TableTests {
  @Test func quotingOfRFC4180() throws {
    let table = [
      "id,text,label\r", "1,plain,a\r", "2,\"with, separator\",b\r",
      "3,\"a \"\"quoted\"\" word\",a\r", "4,\"two\r", "lines", "and one\",b\r", "5,\"\",c\r",
      "6,\"lone \r here\",a\r", "", "7,\"\"\"\",a",
    ].joined(separator: "\n")
    let error = labeledError(table.utf8)
    #expect(error?.kind == .empty && error?.report.place == "line 8, byte 2")
    let good = table.replacing("5,\"\",c\r\n", with: "")
    let found = try labeled(good.utf8)
    #expect(
      found.texts == [
        "plain", "with, separator", "a \"quoted\" word", "two\r\nlines\nand one", "lone \r here",
        "\"",
      ])
    #expect(found.names == ["a", "b", "a", "b", "a", "a"])
    #expect(found.labels.names == ["a", "b"])
    #expect(found.examples.map(\.place.line) == [2, 3, 4, 5, 8, 10])
    #expect(found.badLines.recordCount == 6 && found.badLines.count == 0)
    // The same with other line ends and a byte order mark.
    let plain = good.replacing("\r\n", with: "\n")
    #expect(try labeled([0xEF, 0xBB, 0xBF] + Array(plain.utf8)).names == found.names)
    #expect(try labeled((plain + "\n\n").utf8).names == found.names)
  }

  @Test func tabs() throws {
    let table = "label\ttext\nx\ta, b\ny\t\"c\td\"\n"
    let found = try labeled(table.utf8, named: "a.tsv")
    #expect(found.texts == ["a, b", "c\td"] && found.names == ["x", "y"])
    let forced = try labeled(table.utf8, named: "a.data") { $0.format = .tsv }
    #expect(forced.texts == found.texts)
  }

  @Test func columnsByNumber() throws {
    let found = try labeled("one,x,1\ntwo,y,0\n".utf8) {
      $0.hasHeader = false
      $0.fields.text = "1"
      $0.fields.label = "3"
    }
    #expect(found.texts == ["one", "two"] && found.names == ["1", "0"])
    let name = labeledError("one,x\n".utf8) { $0.hasHeader = false }
    #expect(name?.kind == .missingField)
    #expect(name?.report.rule?.contains("numbers") == true)
    let beyond = labeledError("one,x\n".utf8) {
      $0.hasHeader = false
      $0.fields.text = "3"
      $0.fields.label = "1"
    }
    #expect(beyond?.kind == .missingField && beyond?.report.place == "line 1, byte 0")
  }

  @Test(arguments: [
    ("x,y\n", DataError.Kind.missingField, "line 1, byte 0", "no column 'text'"),
    ("text,labels\na,b\n", .missingField, "line 1, byte 0", "no column 'label'"),
    ("text,label,text\na,b,c\n", .duplicateKey, "line 1, byte 11", "'text' appears twice"),
    ("text,label\na\n", .badLine, "line 2, byte 0", "1 fields"),
    ("text,label\na,b,c\n", .badLine, "line 2, byte 0", "3 fields"),
    ("text,label\na,b\n\"a\nc\"d,e\n", .badLine, "line 3, byte 0", "at line 4, byte 2"),
    ("text,label\na,\"b\"c\n", .badLine, "line 2, byte 5", "behind the closing quote"),
    ("text,label\na,b\"c\"\n", .badLine, "line 2, byte 3", "inside of a field"),
    ("text,label\na,\"b\nc\n", .badLine, "line 2, byte 2", "no end"),
    ("text,label\na\rb,c\n", .badLine, "line 2, byte 1", "carriage return"),
    ("text,label\na,b\r", .badLine, "line 2, byte 3", "carriage return"),
    ("text,label\n,b\n", .empty, "line 2, byte 0", "'text' is empty"),
    ("text,label\na,\n", .empty, "line 2, byte 2", "'label' is empty"),
    ("text,label\na,b\n\"c\nd\u{0}\",e\n", .binary, "line 4, byte 1", "NUL"),
  ])
  func wrongTables(_ table: String, _ kind: DataError.Kind, _ place: String, _ what: String) {
    let error = labeledError(table.utf8)
    #expect(error?.kind == kind && error?.report.place == place, "\(String(describing: error))")
    #expect(error?.report.what.contains(what) == true, "\(String(describing: error))")
  }

  @Test(
    arguments: [
      [0x80], [0xC0, 0xAF], [0xC3], [0xE0, 0x80, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80],
      [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF],
    ] as [[UInt8]]
  )
  func invalidUTF8(_ bytes: [UInt8]) throws {
    let before = Array("text,label\na,b\n\"ü\nxy".utf8)
    let error = labeledError(before + bytes + Array("\",c\n".utf8))
    #expect(error?.kind == .notUTF8 && error?.report.place == "line 4, byte 2")
    #expect(labeledError(Array("text,label\na,b".utf8) + bytes)?.kind == .notUTF8)
    let taken = try labeled(before + bytes + Array("\",c\n".utf8)) { $0.encoding = .bytes }
    #expect(taken.examples[1].text == Array("ü\nxy".utf8) + bytes)
  }

  @Test func nothingToRead() {
    for text in ["", "\n\n", "\r\n", "text,label\n", "text,label", "\u{FEFF}"] {
      #expect(labeledError(text.utf8)?.kind == .empty, "\(text.debugDescription)")
    }
    #expect(labeledError("\r\r".utf8)?.kind == .badLine)
  }

  @Test func rowsBeyondTheLimit() throws {
    let row = String(repeating: "x", count: 18) + ",b"
    let text = "text,label\n\(row)\na,b\n"
    #expect(try labeled(text.utf8) { $0.limits.lineBytes = 21 }.texts.count == 2)
    let error = labeledError(text.utf8) { $0.limits.lineBytes = 20 }
    #expect(error?.kind == .tooLarge && error?.report.place == "line 2, byte 0")
    let quoted = "text,label\n\"\(row)\",b\n"
    #expect(labeledError(quoted.utf8) { $0.limits.lineBytes = 20 }?.kind == .badLine)
    let lines = "{\"text\": \"a\", \"label\": 1}\n"
    let count = lines.utf8.count - 1
    #expect(
      try labeled(lines.utf8, named: "a.jsonl") { $0.limits.lineBytes = count }.texts == ["a"])
    let long = labeledError(lines.utf8, named: "a.jsonl") { $0.limits.lineBytes = count - 1 }
    #expect(long?.kind == .tooLarge && long?.report.place == "line 1, byte 0")
    #expect(Limits.standard.lineBytes == 64 << 20)
  }

  /// Time grows with the bytes, whatever they are.
  @Test(.timeLimit(.minutes(1)), arguments: ["\"\"", "\n", "\"\"\n", ",", "x"])
  func longRows(_ piece: String) throws {
    let middle = String(repeating: piece, count: 1 << 20)
    let found = try labeled("text,label\n\"\(middle)\",y\n".utf8)
    #expect(found.examples[0].text.count == middle.utf8.count - middle.utf8.count { $0 == 34 } / 2)
    // A quote that stays open, in front of many lines that are no rows.
    let open = "text,label\n\"a,y\n" + String(repeating: "b,\"\(piece)\n", count: 1 << 16)
    _ = try? labeled(open.utf8) { $0.onBadLine = .skip }
  }

  /// A line beyond the standard limit, in a file that takes no space.
  @Test func aHugeLine() throws {
    try withTemporaryFolder { folder in
      for name in ["a.jsonl", "a.csv"] {
        try put("text,label\nx".utf8, folder + "/" + name)
        try #require(truncate(folder + "/" + name, 64 << 20 + 100) == 0)
        #expect(throws: DataError.self) { try LabeledTexts([folder + "/" + name]) }
      }
    }
  }

  @Test func archivesAndOtherEncodings() {
    let starts: [([UInt8], DataError.Kind, String)] = [
      ([0x1F, 0x8B, 8, 0], .unsupported, "gzip"), ([0x50, 0x4B, 3, 4], .unsupported, "zip"),
      ([0xFE, 0xFF, 0, 65], .notUTF8, "UTF-16"), ([0xFF, 0xFE, 65, 0], .notUTF8, "UTF-16"),
      ([0xFF, 0xFE, 0, 0], .notUTF8, "UTF-32"), ([0, 0, 0xFE, 0xFF], .notUTF8, "UTF-32"),
    ]
    for (bytes, kind, name) in starts {
      for file in ["a.csv", "a.tsv", "a.jsonl"] {
        let error = labeledError(bytes, named: file)
        #expect(error?.kind == kind && error?.report.what.contains(name) == true)
      }
    }
  }

  /// Tables with damaged bytes give records or a typed error, and never end the process.
  @Test func damagedTables() throws {
    let whole = Array(
      "id,text,label\r\n1,\"a \"\"b\"\"\",x\r\n2,\"c\nd\",y\r\n3,plain ü,x\r\n".utf8)
    let pieces: [[UInt8]] = [
      [], [0], [0xFF], [34], [34, 34], [13], [10], [44], [13, 10], [0xEF, 0xBB, 0xBF], [0xC3],
    ]
    try withTemporaryFolder { folder in
      let path = folder + "/a.csv"
      for seed in 0..<2000 {
        let source = RandomSource(seed: UInt64(seed))
        func draw(_ counter: UInt64, _ limit: Int) -> Int {
          Int(source.uniform(at: counter) * Double(limit))
        }
        var bytes = whole
        for change in 0..<UInt64(1 + draw(0, 3)) {
          let start = draw(10 * change + 1, bytes.count)
          let end = min(bytes.count, start + draw(10 * change + 2, 6))
          bytes.replaceSubrange(start..<end, with: pieces[draw(10 * change + 3, pieces.count)])
        }
        try put(bytes, path)
        for policy in BadLinePolicy.allCases {
          var options = RecordOptions()
          options.onBadLine = policy
          do {
            #expect(try !LabeledTexts([path], options).examples.isEmpty)
          } catch {
            #expect(error is DataError)
          }
        }
      }
    }
  }
}
