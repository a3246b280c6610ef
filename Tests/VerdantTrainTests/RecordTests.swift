import Foundation
import Testing
import Verdant

/// Labels, pairs, completions, and records that cannot be used.
@Suite struct RecordTests {
  private func lines(_ lines: [String]) -> [UInt8] { Array((lines.joined(separator: "\n")).utf8) }

  @Test func labelsAreTextsOrIntegers() throws {
    let words = try labeled(
      lines([
        "{\"text\": \"a\", \"label\": \"pos\"}", "{\"label\": \"neg\", \"text\": \"b\"}",
        "{\"text\": \"c\", \"label\": \"pos\"}",
      ]), named: "a.jsonl")
    #expect(words.labels.names == ["neg", "pos"])
    #expect(words.examples.map(\.label) == [1, 0, 1])
    #expect(words.examples[1].place == RecordPlace(file: words.files[0], line: 2))
    let numbers = try labeled(
      lines([10, 9, -1, 10].map { "{\"text\": \"a\", \"label\": \($0)}" }), named: "a.jsonl")
    #expect(numbers.labels.names == ["-1", "9", "10"])
    #expect(numbers.examples.map(\.label) == [2, 1, 0, 2])
    // A table has the same labels as texts.
    #expect(try labeled("text,label\na,10\nb,9\nc,-1\n".utf8).labels == numbers.labels)
  }

  @Test func otherFieldNames() throws {
    let found = try labeled("{\"body\": \"x\", \"stars\": 5}".utf8, named: "a.jsonl") {
      $0.fields.text = "body"
      $0.fields.label = "stars"
    }
    #expect(found.examples.count == 1 && found.labels.names == ["5"])
    let none = try labeled("{\"text\": \"x\"}".utf8, named: "a.jsonl") { $0.fields.label = nil }
    #expect(none.examples[0].label == -1 && none.labels.count == 0)
  }

  @Test func pairs() throws {
    let found = try labeled(
      "premise,hypothesis,label\nIt rains.,It is wet.,1\nA,B,0\n".utf8
    ) {
      $0.fields.text = "premise"
      $0.fields.second = "hypothesis"
    }
    #expect(found.examples[0].second == Array("It is wet.".utf8))
    let error = labeledError("{\"text\": \"a\", \"label\": 1}".utf8, named: "a.jsonl") {
      $0.fields.second = "text2"
    }
    #expect(error?.kind == .missingField)
  }

  @Test func knownLabels() throws {
    let table = LabelTable(found: ["neg", "pos"])
    let found = try labeled("text,label\na,pos\n".utf8, labels: table)
    #expect(found.examples[0].label == 1 && found.labels == table)
    let error = labeledError("text,label\na,pos\nb,poss\n".utf8, labels: table)
    #expect(error?.kind == .unknownLabel && error?.report.place == "line 3, byte 2")
    #expect(error?.report.advice?.contains("'pos'") == true)
    #expect(
      labeledError("{\"text\": \"a\", \"label\": 2}".utf8, named: "a.jsonl", labels: table)?.kind
        == .unknownLabel)
  }

  @Test func labelTablesAreStored() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/labels.json"
      let table = LabelTable(found: ["b", "a", "e\u{301}", "é", "\"\n"])
      #expect(table.count == 5)
      try table.write(to: path)
      #expect(try LabelTable(contentsOf: path) == table)
      #expect(throws: FileError.self) { try table.write(to: path) }
      for (text, kind) in [
        ("", DataError.Kind.badLine), ("[]", .missingField), ("{\"labels\": 3}", .missingField),
        ("{\"labels\": [3]}", .wrongType), ("{\"labels\": [\"\"]}", .wrongType),
        ("{\"labels\": [\"a\", \"a\"]}", .duplicateKey),
      ] {
        try put(text.utf8, path)
        let error = #expect(throws: DataError.self) { try LabelTable(contentsOf: path) }
        #expect(error?.kind == kind, "\(text)")
      }
      let missing = #expect(throws: DataError.self) { try LabelTable(contentsOf: folder + "/x") }
      #expect(missing?.exitCode == .missingInput)
    }
  }

  @Test(arguments: [
    ("{\"text\": \"a\"}", DataError.Kind.missingField), ("{\"label\": 1}", .missingField),
    ("{\"text\": null, \"label\": 1}", .wrongType), ("{\"text\": 3, \"label\": 1}", .wrongType),
    ("{\"text\": \"\", \"label\": 1}", .empty), ("{\"text\": \"a\", \"label\": \"\"}", .empty),
    ("{\"text\": \"a\", \"label\": null}", .wrongType),
    ("{\"text\": \"a\", \"label\": 1.5}", .wrongType),
    ("{\"text\": \"a\", \"label\": true}", .wrongType),
    ("{\"text\": \"a\", \"label\": [1]}", .wrongType),
    ("{\"text\": \"a\", \"label\": 1e999}", .badLine),
    ("{\"text\": \"a\", \"label\": 1, \"label\": 2}", .duplicateKey), ("[]", .missingField),
    ("{\"text\": \"a\u{0}\", \"label\": 1}", .badLine),
    ("{\"text\": \"a\", \"label\": 1", .badLine),
    (String(repeating: "[", count: 1_000_000), .badLine),
  ])
  func wrongRecords(_ line: String, _ kind: DataError.Kind) {
    let good = "{\"text\": \"a\", \"label\": 1}"
    let error = labeledError(lines([good, "", line, good]), named: "a.jsonl")
    #expect(error?.kind == kind && error?.report.place?.hasPrefix("line 3, byte ") == true)
  }

  @Test func lineEnds() throws {
    let one = "{\"text\": \"a\u{2028}b\", \"label\": 1}"
    for text in [one, one + "\n", one + "\r\n", "\u{FEFF}" + one, "\n\r\n" + one + "\n\n"] {
      let found = try labeled(text.utf8, named: "a.jsonl")
      #expect(found.examples.map(\.text) == [Array("a\u{2028}b".utf8)])
    }
    #expect(labeledError((one + "\r" + one).utf8, named: "a.jsonl")?.kind == .badLine)
  }

  @Test func onlyRecordsAreRead() throws {
    #expect(labeledError("text".utf8, named: "a.txt")?.kind == .unsupported)
    #expect(labeledError("text".utf8, named: "a.csv") { $0.format = .text }?.kind == .unsupported)
    try withTemporaryFolder { folder in
      try put("text,label\na,1\n".utf8, folder + "/a.csv")
      try put("text\tlabel\nb\t0\n".utf8, folder + "/b.tsv")
      try put("{\"text\": \"c\", \"label\": 1}".utf8, folder + "/c.jsonl")
      try put("about".utf8, folder + "/readme.txt")
      let found = try LabeledTexts([folder])
      #expect(found.examples.map(\.label) == [1, 0, 1] && found.skippedFiles.count == 1)
    }
    let missing = #expect(throws: DataError.self) { try LabeledTexts(["/nonexistent/a.csv"]) }
    #expect(missing?.exitCode == .missingInput)
  }

  @Test func badRecordsAreSkippedAndCounted() throws {
    func table(good: Int, bad: Int) -> [UInt8] {
      var rows = ["text,label"]
      for index in 0..<good + bad {
        rows.append(index % 50 == 7 && index / 50 < bad ? "\"open,1" : "a\(index),1")
      }
      return lines(rows)
    }
    let some = table(good: 297, bad: 3)
    let found = try labeled(some) { $0.onBadLine = .skip }
    #expect(found.examples.count == 297)
    #expect(found.badLines.count == 3 && found.badLines.recordCount == 300)
    let places = found.badLines.reports.compactMap(\.place)
    #expect(places == ["line 9, byte 0", "line 59, byte 0", "line 109, byte 0"])
    #expect(labeledError(some)?.report.place == "line 9, byte 0")
    let error = labeledError(table(good: 295, bad: 4)) { $0.onBadLine = .skip }
    #expect(error?.kind == .tooManyBadRecords)
    #expect(error?.report.what == "4 of 299 records cannot be used")
    #expect(error?.problems.count == 5 && error?.problems[1].place == "line 9, byte 0")
  }

  /// Every class of bad record is left out under `skip`, and nothing else is.
  @Test func allKindsAreSkipped() throws {
    let bad: [[UInt8]] = [
      Array("nonsense".utf8), Array("{\"text\": \"a\"}".utf8), Array("\u{0}".utf8),
      Array("{\"text\": 5, \"label\": 1}".utf8), [0xC0, 0xAF], Array("{\"text\":\"a".utf8),
      Array("{\"text\": \"\", \"label\": 1}".utf8), Array(repeating: 91, count: 2000),
      Array("{\"text\": \"a\", \"label\": 1, \"text\": \"b\"}".utf8),
      Array("{\"text\": \"a\", \"label\": 1e999}".utf8), Array(repeating: 120, count: 9000),
    ]
    let good = Array("{\"text\": \"a\", \"label\": 1}\n".utf8)
    for (index, line) in bad.enumerated() {
      var bytes: [UInt8] = []
      for number in 0..<120 { bytes += number == 60 ? line + [10] : good }
      let found = try labeled(bytes, named: "a.jsonl") {
        $0.onBadLine = .skip
        $0.limits.lineBytes = 8192
      }
      #expect(found.examples.count == 119 && found.badLines.count == 1, "bad line \(index)")
    }
    // What concerns a whole file is never skipped.
    #expect(labeledError([0x1F, 0x8B], named: "a.jsonl") { $0.onBadLine = .skip } != nil)
    #expect(labeledError("x,y\n1,2\n".utf8) { $0.onBadLine = .skip }?.kind == .missingField)
  }

  @Test func documentsSkipBadLines() throws {
    let good = "{\"text\": \"abc\"}\n"
    let text = String(repeating: good, count: 100) + "{\"text\": 3}\n"
    try withTemporaryFolder { folder in
      let path = folder + "/a.jsonl"
      try put(text.utf8, path)
      var options = RecordOptions()
      #expect(throws: DataError.self) { try TextDocuments([path], options) }
      options.onBadLine = .skip
      let found = try TextDocuments([path], options)
      #expect(found.documents.count == 100 && found.badLines.count == 1)
      try put((text + "x\n").utf8, path)
      let error = #expect(throws: DataError.self) { try TextDocuments([path], options) }
      #expect(error?.kind == .tooManyBadRecords)
      try put("x\ny\n".utf8, path)
      #expect(throws: DataError.self) { try TextDocuments([path], options) }
      // A table is one by its option alone: text may have any name.
      try put("text,n\n\"a,b\",1\nc,2\n".utf8, folder + "/a.csv")
      #expect(try TextDocuments([folder + "/a.csv"]).documents.count == 1)
      options.format = .csv
      let rows = try TextDocuments([folder + "/a.csv"], options).documents
      #expect(rows == [Array("a,b".utf8), Array("c".utf8)])
      options.fields.text = "txt"
      let column = #expect(throws: DataError.self) {
        try TextDocuments([folder + "/a.csv"], options)
      }
      #expect(column?.report.advice?.contains("'text'") == true)
    }
  }
}

@Suite struct CompletionTests {
  private func rows(_ examples: [(String, String)], length: Int) throws -> CompletionRows {
    let lines = try examples.map { prompt, completion in
      try JSONValue.object(["prompt": .string(prompt), "completion": .string(completion)])
        .serialized()
    }
    return try withTemporaryFolder { folder in
      try put(lines.joined(separator: "\n").utf8, folder + "/a.jsonl")
      let read = try Completions([folder + "/a.jsonl"])
      return try CompletionRows(
        read.examples, ByteTokenizer(), length: length, RandomSource(seed: 1))
    }
  }

  @Test func promptsAreNoTargets() throws {
    let found = try rows([("ab", "cd")], length: 6)
    let rows = found.rows(from: 0, count: 1)
    #expect(rows.tokens == [97, 98, 99, 100, 256, 256])
    #expect(rows.targets == [-1, 99, 100, 256, -1, -1])
    #expect(try found.batch(from: 0, count: 1).targetCount == 3)
    // Without a prompt the separator stands before the completion, as in a text.
    let bare = try self.rows([("", "xy")], length: 4).rows(from: 0, count: 1)
    #expect(bare.tokens == [256, 120, 121, 256] && bare.targets == [120, 121, 256, -1])
  }

  @Test func longExamplesKeepTheirCompletion() throws {
    let found = try rows([("abcdef", "xy")], length: 4)
    #expect(found.shortenedCount == 1)
    #expect(found.rows(from: 0, count: 1).tokens == [101, 102, 120, 121])
    #expect(found.rows(from: 0, count: 1).targets == [-1, 120, 121, 256])
    let longer = try rows([("ab", "vwxyz")], length: 3).rows(from: 0, count: 1)
    #expect(longer.tokens == [98, 118, 119] && longer.targets == [118, 119, 120])
    #expect(try rows([("ab", "c")], length: 3).shortenedCount == 0)
  }

  @Test func eachExampleComesOnceAnEpoch() throws {
    let found = try rows((0..<10).map { ("p", String(UnicodeScalar(UInt8(65 + $0)))) }, length: 3)
    var orders: [[Int32]] = []
    for epoch in 0..<3 {
      let rows = found.rows(from: epoch * 10, count: 10)
      let letters = (0..<10).map { rows.targets[$0 * 3] }
      #expect(letters.sorted() == (65..<75).map { Int32($0) })
      #expect((0..<10).map { found.rows(from: epoch * 10 + $0, count: 1).targets[0] } == letters)
      orders.append(letters)
    }
    #expect(Set(orders).count == 3)
  }

  @Test func wrongCompletions() throws {
    for (line, kind) in [
      ("{\"prompt\": \"a\"}", DataError.Kind.missingField),
      ("{\"prompt\": \"a\", \"completion\": \"\"}", .empty),
      ("{\"prompt\": 1, \"completion\": \"b\"}", .wrongType), ("", .empty),
    ] {
      try withTemporaryFolder { folder in
        try put(line.utf8, folder + "/a.jsonl")
        let error = #expect(throws: DataError.self) { try Completions([folder + "/a.jsonl"]) }
        #expect(error?.kind == kind)
      }
    }
  }

  @Test func aModelLearnsCompletions() throws {
    let lines = (0..<40).map { index in
      "{\"prompt\": \"number \(index % 4): \", \"completion\": \"\(index % 4)!\"}"
    }
    try withTemporaryFolder { folder in
      try put(lines.joined(separator: "\n").utf8, folder + "/a.jsonl")
      var trainer = try Trainer(
        smallRecipe(folder + "/a.jsonl") {
          $0.data.records = .completion
          $0.training.steps = 60
          $0.training.learningRate = 1e-2
        })
      #expect(trainer.validation != nil && trainer.start.trainingTokens == 36 * 13)
      let result = try trainer.run { _ in .proceed }
      #expect(result.loss < 1.5)
      #expect(result.evaluation?.tokenCount == 12 && result.evaluation?.byteCount == 8)
    }
  }
}
