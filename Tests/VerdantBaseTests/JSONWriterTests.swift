import Testing
import VerdantBase

@Suite("JSON writer and values")
struct JSONWriterTests {
  @Test("Compact and pretty text")
  func styles() throws {
    let value: JSONValue = ["b": [1, 2.0, nil], "a": ["x": true], "e": [], "o": [:]]
    #expect(
      try value.serialized() == #"{"b":[1,2.0,null],"a":{"x":true},"e":[],"o":{}}"#
    )
    #expect(
      try value.serialized(style: .pretty) == """
        {
          "b": [
            1,
            2.0,
            null
          ],
          "a": {
            "x": true
          },
          "e": [],
          "o": {}
        }
        """
    )
  }

  @Test("Strings are escaped no more than needed")
  func escapes() throws {
    let text = "\"\\/\u{8}\t\n\u{C}\r\u{0}\u{1F}\u{7F}é😀\u{2028}"
    let written = try JSONValue.string(text).serialized()
    #expect(written == #""\"\\/\b\t\n\f\r\u0000\u001f"# + "\u{7F}é😀\u{2028}\"")
    #expect(try JSONValue(parsing: written) == .string(text))
  }

  @Test(
    "Numbers survive exactly",
    arguments: [
      0.1, 1.0, -0.0, 1e16, 1e22, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
      .leastNormalMagnitude, .pi,
      123_456_789.125, 1 / 3, 0x1p63, 1e100,
    ]
  )
  func numbers(value: Double) throws {
    let text = try JSONValue.number(value).serialized()
    guard case .number(let read) = try JSONValue(parsing: text) else {
      Issue.record("\(text) is read as an integer")
      return
    }
    #expect(read.bitPattern == value.bitPattern)
  }

  @Test("What JSON cannot hold is refused", arguments: [Double.nan, .infinity, -.infinity])
  func nonFinite(value: Double) throws {
    let error = try #require(throws: JSONError.self) {
      try JSONValue.array([.number(value)]).serialized()
    }
    #expect(error.kind == .numberOutOfRange)
  }

  @Test("Nesting beyond the limit is refused")
  func nesting() throws {
    var value = JSONValue.null
    for _ in 0..<512 { value = .array([value]) }
    #expect(throws: Never.self) { try value.serialized() }
    value = .array([value])
    #expect(throws: JSONError.self) { try value.serialized() }
  }

  @Test("Objects keep their order, replace in place and remove", arguments: [3, 12, 13, 14, 100])
  func objects(count: Int) {
    var object = JSONObject()
    for i in 0..<count { object["k\(i)"] = .integer(i) }
    #expect(object.count == count)
    object["k1"] = "new"
    #expect(object.keys[1] == "k1" && object.values[1] == "new")
    object["k0"] = nil
    object["absent"] = nil
    #expect(object.count == count - 1)
    #expect(object["k0"] == nil)
    for i in 2..<count { #expect(object["k\(i)"]?.intValue == i) }
    let wasAppended = object.appendIfNew("k2", nil)
    #expect(!wasAppended)
    let reversed = object.reversed().reduce(into: JSONObject()) { $0[$1.key] = $1.value }
    #expect(reversed == object)
    object["k2"] = nil
    #expect(reversed != object)
  }

  @Test("Keys that differ only by Unicode normalization are different keys")
  func exactKeys() throws {
    let value = try JSONValue(parsing: "{\"e\u{301}\":1,\"\u{E9}\":2}")
    #expect(value["e\u{301}"]?.intValue == 1)
    #expect(value["\u{E9}"]?.intValue == 2)
    #expect(JSONValue.string("e\u{301}") != .string("\u{E9}"))
    #expect(ExactString("e\u{301}") != ExactString("\u{E9}"))
    #expect(
      Set([ExactString("e\u{301}"), ExactString("\u{E9}"), ExactString("\u{E9}")]).count == 2
    )
    #expect(
      ["b", "é", "a", "Z", "ab"].map(ExactString.init).sorted().map(\.string)
        == ["Z", "a", "ab", "b", "é"]
    )
  }

  @Test("Types are named for messages")
  func typeNames() {
    let values: [JSONValue] = [nil, true, 1, 1.5, "", [], [:]]
    #expect(
      values.map(\.typeName) == [
        "null", "a truth value", "an integer", "a number", "a string", "a list", "an object",
      ]
    )
    #expect(values.map(\.doubleValue) == [nil, nil, 1, 1.5, nil, nil, nil])
  }
}
