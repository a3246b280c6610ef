import Testing
import VerdantBase

@Suite("Error reports")
struct FailureTests {
  @Test("The one-line form has all parts that are present")
  func oneLine() {
    var report = ErrorReport(
      code: .badData,
      what: "a line is no object",
      file: "train.jsonl",
      place: "line 3",
      rule: "one object per line",
      advice: "remove the line"
    )
    #expect(
      report.description
        == "error[65]: a line is no object — train.jsonl:line 3 — one object per line — remove the line"
    )
    report.place = nil
    report.advice = nil
    #expect(
      report.description == "error[65]: a line is no object — train.jsonl — one object per line"
    )
    #expect(ErrorReport(code: .busy, what: "locked").description == "error[75]: locked")
    #expect(
      ErrorReport(code: .busy, what: "locked", place: "byte 4").description
        == "error[75]: locked — byte 4"
    )
  }

  @Test("Text from input is escaped, whatever it holds")
  func escaping() {
    #expect(escaped("plain größe 重み 😀") == "plain größe 重み 😀")
    #expect(escaped("\u{1B}[31mred\n") == "\\u{1b}[31mred\\u{a}")
    #expect(
      escaped("a\u{202E}b\u{2066}c\u{200B}\u{FEFF}\u{E0041}\u{7F}\u{9B}")
        == "a\\u{202e}b\\u{2066}c\\u{200b}\\u{feff}\\u{e0041}\\u{7f}\\u{9b}"
    )
    #expect(escaped(escaped("a\u{0}b")) == escaped("a\u{0}b"))
    let report = ErrorReport(code: .badData, what: "x\ny", file: "a\u{1B}[0m", place: "\r")
    #expect(!report.description.unicodeScalars.contains { $0.value < 0x20 })
  }

  @Test("Long text is cut at the limit")
  func cutting() {
    #expect(escaped(String(repeating: "x", count: 200)).count == 200)
    let cut = escaped(String(repeating: "x", count: 201))
    #expect(cut == String(repeating: "x", count: 200) + "…")
    #expect(escaped("ab\n", limit: 3) == "ab…")
    #expect(escaped("", limit: 0) == "")
    #expect(escaped("x", limit: 0) == "…")
  }

  @Test("The JSON form parses and carries the same parts")
  func json() throws {
    let report = ErrorReport(code: .missingInput, what: "no \"file\"", file: "a\u{1B}b")
    let parsed = try JSONValue(parsing: report.json.serialized())
    #expect(parsed["code"]?.intValue == 66)
    #expect(parsed["error"] == "missingInput")
    #expect(parsed["what"] == "no \"file\"")
    #expect(parsed["file"] == "a\\u{1b}b")
    #expect(parsed["rule"] == nil)
  }

  @Test("Exit codes are the documented numbers")
  func exitCodes() {
    #expect(
      ExitCode.allCases.map(\.rawValue)
        == [0, 1, 64, 65, 66, 70, 71, 73, 74, 75, 76, 77, 78, 130, 143]
    )
    #expect(CheckpointError(.missingFile, "x").exitCode == .missingInput)
    #expect(CheckpointError(.outputExists, "x").exitCode == .cannotCreate)
    #expect(DataError(.badLine, "x").exitCode == .badData)
    #expect(ConfigError(.unknownKey, "x").exitCode == .inconsistentConfiguration)
    #expect(ConfigError(.usage, "x", code: .failure).exitCode == .failure)
    #expect(FileError(.io, "x").exitCode == .ioError)
  }

  @Test("Several problems are collected in order, one line each")
  func collecting() throws {
    let first = ConfigError(.unknownKey, "unknown key \"hidden\"")
    let second = ConfigError(.outOfRange, "heads is 0")
    let both = try #require(ConfigError(collecting: [first, second]))
    let three = try #require(ConfigError(collecting: [both, first]))
    #expect(both.kind == .unknownKey)
    #expect(both.problems == [first.report, second.report])
    #expect(three.problems.count == 3)
    #expect(both.description == "\(first)\n\(second)")
    #expect(ConfigError(collecting: []) == nil)
    #expect(ConfigError(collecting: [first]) == first)
  }

  @Test("A failed file access becomes the right error of each domain")
  func translation() {
    let missing = FileError(.missing, "cannot open", file: "a")
    #expect(CheckpointError(missing).kind == .missingFile)
    #expect(DataError(missing).kind == .missing)
    #expect(ConfigError(missing).kind == .missingFile)
    #expect(DataError(missing).report == missing.report)
    #expect(CheckpointError(FileError(.notARegularFile, "x")).kind == .notARegularFile)
    #expect(ConfigError(FileError(.exists, "x")).kind == .outputExists)
  }
}
