import Testing
import VerdantBase

@Suite("JSON parser")
struct JSONParserTests {
  @Test("Values of each type")
  func values() throws {
    let text = """
      {"a": null, "b": [true, false], "c": -12, "d": 1.5, "e": "x\\n\\u00e9\\ud83d\\ude00\\/",
       "f": {}, "g": [], "h": 1e3, "i": "größe"}
      """
    let value = try JSONValue(parsing: text)
    #expect(value["a"]?.isNull == true)
    #expect(value["b"] == [true, false])
    #expect(value["c"]?.intValue == -12)
    #expect(value["d"]?.doubleValue == 1.5)
    #expect(value["e"]?.stringValue == "x\né😀/")
    #expect(value["f"]?.objectValue?.isEmpty == true)
    #expect(value["g"] == [])
    #expect(value["h"] == .number(1000))
    #expect(value["h"]?.intValue == nil)
    #expect(value["i"] == "größe")
    #expect(value.objectValue?.keys == ["a", "b", "c", "d", "e", "f", "g", "h", "i"])
  }

  @Test("Integers are exact up to the limits of Int, beyond them they become numbers")
  func integers() throws {
    #expect(try JSONValue(parsing: "9223372036854775807") == .integer(.max))
    #expect(try JSONValue(parsing: "-9223372036854775808") == .integer(.min))
    #expect(try JSONValue(parsing: "9223372036854775808") == .number(0x1p63))
    #expect(try JSONValue(parsing: "-9223372036854775809") == .number(-0x1p63))
    #expect(try JSONValue(parsing: "18446744073709551616") == .number(0x1p64))
    #expect(try JSONValue(parsing: "0") == .integer(0))
    let minusZero = try #require(try JSONValue(parsing: "-0").doubleValue)
    #expect(minusZero == 0 && minusZero.sign == .minus)
    #expect(try JSONValue(parsing: "1e-400") == .number(0))
    #expect(try JSONValue(parsing: "5e-324") == .number(.leastNonzeroMagnitude))
    #expect(try JSONValue(parsing: "1.7976931348623157E+308") == .number(.greatestFiniteMagnitude))
  }

  @Test(
    "Malformed text is refused with the right kind",
    arguments: [
      ("", JSONError.Kind.unexpectedEnd), (" \n\t", .unexpectedEnd), ("{", .unexpectedEnd),
      ("[1,", .unexpectedEnd), ("\"abc", .unexpectedEnd), ("\"\\", .unexpectedEnd),
      ("\"\\u12", .unexpectedEnd), ("{\"a\"", .unexpectedEnd), ("-", .unexpectedEnd),
      ("1.", .unexpectedEnd), ("1e", .unexpectedEnd), ("1e+", .unexpectedEnd),
      ("[1,]", .unexpectedByte), ("{\"a\":1,}", .unexpectedByte), ("{a:1}", .unexpectedByte),
      ("{'a':1}", .unexpectedByte), ("[1 2]", .unexpectedByte), ("{\"a\" 1}", .unexpectedByte),
      ("nul", .unexpectedByte), ("True", .unexpectedByte), ("NaN", .unexpectedByte),
      ("Infinity", .unexpectedByte), ("+1", .unexpectedByte), (".5", .unexpectedByte),
      ("[}", .unexpectedByte), ("{]", .unexpectedByte), ("//x\n1", .unexpectedByte),
      ("\u{0}", .unexpectedByte), ("\u{A0}1", .unexpectedByte),
      ("1 2", .trailingBytes), ("{}x", .trailingBytes), ("{}\u{0}", .trailingBytes),
      ("null,", .trailingBytes), ("nullx", .trailingBytes),
      ("01", .invalidNumber), ("-01", .invalidNumber), ("1.x", .invalidNumber),
      ("1ex", .invalidNumber), ("-x", .invalidNumber), ("00", .invalidNumber),
      ("0x10", .trailingBytes), ("1_000", .trailingBytes),
      ("1e400", .numberOutOfRange), ("-1e400", .numberOutOfRange), ("[1e999]", .numberOutOfRange),
      ("\u{FEFF}{}", .byteOrderMark),
      ("\"\\ud800\"", .loneSurrogate), ("\"\\udc00\"", .loneSurrogate),
      ("\"\\ud800\\ud800\"", .loneSurrogate), ("\"\\ud800x\"", .loneSurrogate),
      ("\"\\ud800\\n\"", .loneSurrogate), ("\"\\udc00\\ud800\"", .loneSurrogate),
      ("\"\\x\"", .invalidEscape), ("\"\\u12g4\"", .invalidEscape), ("\"\\U0041\"", .invalidEscape),
      ("\"\n\"", .controlCharacter), ("\"\u{0}\"", .controlCharacter),
      ("\"\u{1F}\"", .controlCharacter),
      ("{\"a\":1,\"a\":1}", .duplicateKey), ("{\"a\":1,\"\\u0061\":2}", .duplicateKey),
      ("[{\"x\":{\"\":1,\"\":2}}]", .duplicateKey),
    ]
  )
  func malformed(text: String, kind: JSONError.Kind) throws {
    let error = try #require(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error.kind == kind)
    #expect(error.offset <= text.utf8.count)
    #expect(error.report.code == .badData)
  }

  @Test(
    "Invalid UTF-8 is refused anywhere",
    arguments: [
      [0xFF], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
      [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22], [0x22, 0x80, 0x22],
      [0x7B, 0x22, 0xC3, 0x22, 0x3A, 0x31, 0x7D], [0xFE, 0xFF, 0x00, 0x31], [0xFF, 0xFE, 0x31, 0],
    ] as [[UInt8]]
  )
  func invalidUTF8(bytes: [UInt8]) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
    #expect((try? JSONValue(parsing: bytes)) == nil)
  }

  @Test("Errors carry the offset, the line and the file")
  func location() throws {
    let error = try #require(throws: JSONError.self) {
      try JSONValue(parsing: "{\n \"a\": 1,\n \"b\": x\n}", file: "config.json")
    }
    #expect(error.offset == 17)
    #expect(error.line == 3)
    #expect(error.description.hasPrefix("error[65]: unexpected 'x' in JSON — config.json:line 3"))
    let duplicate = try #require(throws: JSONError.self) {
      try JSONValue(parsing: "{\"a\":1,\n\"a\":2}")
    }
    #expect(duplicate.offset == 8 && duplicate.line == 2)
  }

  @Test("Nesting is allowed up to the limit and not beyond")
  func nesting() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(throws: Never.self) { try JSONValue(parsing: nested(64)) }
    let error = try #require(throws: JSONError.self) { try JSONValue(parsing: nested(65)) }
    #expect(error.kind == .nestingTooDeep && error.offset == 64)
    #expect(throws: Never.self) { try JSONValue(parsing: nested(512), nestingLimit: .max) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: nested(513), nestingLimit: .max) }
    #expect(throws: Never.self) { try JSONValue(parsing: "7", nestingLimit: 0) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: "[]", nestingLimit: 0) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: "[]", nestingLimit: -1) }
  }

  @Test("A million brackets are refused at the limit", arguments: ["[", "{\"a\":", "[{\"\":"])
  func deep(unit: String) throws {
    let text = String(repeating: unit, count: 1_000_000)
    let error = try #require(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error.kind == .nestingTooDeep)
  }

  @Test("Long strings, long lists, many keys and long numbers are fine or refused")
  func large() throws {
    let long = String(repeating: "é", count: 500_000)
    #expect(try JSONValue(parsing: "\"\(long)\"").stringValue?.utf8.count == 1_000_000)
    let list = "[" + String(repeating: "0,", count: 500_000) + "0]"
    #expect(try JSONValue(parsing: list).arrayValue?.count == 500_001)
    let object = try JSONValue(
      parsing: "{" + (0..<200_000).map { "\"key\($0)\":\($0)" }.joined(separator: ",") + "}"
    )
    #expect(object["key199999"]?.intValue == 199_999)
    #expect(object["key200000"] == nil)
    #expect(throws: JSONError.self) {
      try JSONValue(parsing: String(repeating: "9", count: 1_000_000))
    }
    let digits = "0." + String(repeating: "1", count: 1_000)
    #expect(try JSONValue(parsing: digits).doubleValue == 1.0 / 9.0)
  }

  @Test("Text that expands to many times its size is refused")
  func expansion() throws {
    let text = "[" + String(repeating: "[[[[0]]]],", count: 800_000) + "0]"
    let error = try #require(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error.kind == .tooLarge)
    let pairs = "[" + String(repeating: "[\"ab\",\"c\"],", count: 300_000) + "0]"
    #expect(throws: Never.self) { try JSONValue(parsing: pairs) }
  }

  @Test("A text cut at any byte is refused")
  func cut() {
    let bytes = Array(#"{"a":[1,-2.5e3,"x\u00e9\n",{"é":null}],"b":true}"#.utf8)
    for count in bytes.indices {
      #expect(throws: JSONError.self) { try JSONValue(parsing: Array(bytes[..<count])) }
    }
    #expect(throws: Never.self) { try JSONValue(parsing: bytes) }
  }

  @Test("Mutated texts never trap, and what parses survives a round trip")
  func mutations() throws {
    let seeds = [
      #"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n",{"é":null}],"b":true,"c":9223372036854775807}"#,
      #"[[],{},"",0,-0,1e308,"\\\"\/\b\f\t\r",false,[[[1]]]]"#,
    ].map { Array($0.utf8) }
    let letters = Array(#"{}[]",:\/ue0123456789+-.Ed "#.utf8) + [0x00, 0x80, 0xC3, 0xFF, 0xED]
    var state: UInt64 = 42
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var accepted = 0
    for round in 0..<20_000 {
      var bytes = seeds[round % seeds.count]
      for _ in 0...random(3) {
        let place = random(bytes.count)
        switch random(3) {
        case 0: bytes[place] = letters[random(letters.count)]
        case 1: bytes.insert(letters[random(letters.count)], at: place)
        default: bytes.remove(at: place)
        }
      }
      guard let value = try? JSONValue(parsing: bytes) else { continue }
      accepted += 1
      #expect(try JSONValue(parsing: value.serialized()) == value)
    }
    #expect(accepted > 100)
  }
}
