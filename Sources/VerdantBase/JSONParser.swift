extension JSONValue {
  /// The deepest nesting any parser or writer allows, whatever its caller asks for.
  public static let maximumNesting = 512

  /// Parses JSON text as RFC 8259 has it, more strictly where it leaves a choice.
  ///
  /// Duplicate keys, invalid UTF-8, lone surrogates, a byte order mark, numbers beyond `Double`,
  /// bytes after the value, and a text whose values would need more memory than about 16 times
  /// its size plus 64 MiB are errors. Integers that fit `Int` are kept exact, `-0` and all
  /// others become ``JSONValue/number(_:)``.
  ///
  /// - Parameters:
  ///   - bytes: The text.
  ///   - file: The file to name in errors.
  ///   - nestingLimit: How many lists and objects may be nested, at most ``maximumNesting``.
  /// - Throws: ``JSONError`` with the offset and line of the first problem.
  /// - Complexity: O(count).
  public init(
    parsing bytes: UnsafeRawBufferPointer,
    file: String? = nil,
    nestingLimit: Int = Limits.standard.jsonNesting
  ) throws(JSONError) {
    var reader = JSONReader(bytes, file: file)
    if let offset = firstInvalidUTF8(in: bytes) {
      throw reader.failure(.invalidUTF8, "invalid UTF-8", at: offset, rule: "JSON text is UTF-8")
    }
    try reader.checkStart()
    self = try reader.value(nestingLimit: nestingLimit)
    try reader.expectEnd()
  }

  /// Parses JSON text held in an array of bytes.
  ///
  /// - Throws: ``JSONError`` with the offset and line of the first problem.
  public init(
    parsing bytes: [UInt8],
    file: String? = nil,
    nestingLimit: Int = Limits.standard.jsonNesting
  ) throws(JSONError) {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(JSONError) in
        try JSONValue(parsing: buffer, file: file, nestingLimit: nestingLimit)
      }
    }
    self = try result.get()
  }

  /// Parses JSON text held in a string.
  ///
  /// - Throws: ``JSONError`` with the offset and line of the first problem.
  public init(
    parsing text: String,
    file: String? = nil,
    nestingLimit: Int = Limits.standard.jsonNesting
  ) throws(JSONError) {
    try self.init(parsing: Array(text.utf8), file: file, nestingLimit: nestingLimit)
  }
}

extension JSONReader {
  /// Reads the value that comes next, with everything inside it.
  package mutating func value(nestingLimit: Int) throws(JSONError) -> JSONValue {
    try spend(MemoryLayout<JSONValue>.stride)
    switch peek() {
    case UInt8(ascii: "{"): return try object(nestingLimit: nestingLimit)
    case UInt8(ascii: "["): return try array(nestingLimit: nestingLimit)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), .some(0x30...0x39): return try number()
    case UInt8(ascii: "n") where takeWord("null"): return .null
    case UInt8(ascii: "t") where takeWord("true"): return .bool(true)
    case UInt8(ascii: "f") where takeWord("false"): return .bool(false)
    default: throw unexpected("expected a JSON value")
    }
  }

  private mutating func array(nestingLimit: Int) throws(JSONError) -> JSONValue {
    let inner = try descend(nestingLimit)
    var items: [JSONValue] = []
    if take(UInt8(ascii: "]")) { return .array(items) }
    try spend(64)
    repeat {
      items.append(try value(nestingLimit: inner))
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"), "',' or ']'")
    return .array(items)
  }

  private mutating func object(nestingLimit: Int) throws(JSONError) -> JSONValue {
    let inner = try descend(nestingLimit)
    var object = JSONObject()
    if take(UInt8(ascii: "}")) { return .object(object) }
    try spend(64)
    repeat {
      _ = peek()
      let start = position
      let key = try string()
      try spend(48)
      try expect(UInt8(ascii: ":"), "':'")
      let member = try value(nestingLimit: inner)
      guard object.appendIfNew(key, member) else {
        throw failure(
          .duplicateKey,
          "the key \"\(escaped(key))\" appears twice in one object",
          at: start,
          rule: "keys are unique"
        )
      }
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"), "',' or '}'")
    return .object(object)
  }

  /// Passes over the value that comes next without keeping anything of it, and gives where it began.
  ///
  /// Names that appear twice are not noticed.
  package mutating func skipValue(nestingLimit: Int) throws(JSONError) -> Int {
    let first = peek()
    let start = position
    switch first {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      let inner = try descend(nestingLimit)
      let isObject = first == UInt8(ascii: "{")
      let closing = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
      if take(closing) { return start }
      repeat {
        if isObject {
          var key: [UInt8] = []
          try string(appendingTo: &key)
          try expect(UInt8(ascii: ":"), "':'")
        }
        _ = try skipValue(nestingLimit: inner)
      } while take(UInt8(ascii: ","))
      try expect(closing, isObject ? "',' or '}'" : "',' or ']'")
    case UInt8(ascii: "\""):
      var text: [UInt8] = []
      try string(appendingTo: &text)
    default: _ = try value(nestingLimit: nestingLimit)
    }
    return start
  }

  /// Takes an opening bracket of a list or object and gives the nesting that is left inside.
  package mutating func enter(_ bracket: UInt8, _ role: String, nestingLimit: Int)
    throws(JSONError) -> Int
  {
    guard peek() == bracket else { throw unexpected("expected \(role)") }
    return try descend(nestingLimit)
  }

  /// Goes on at a place that was read before.
  package mutating func move(to start: Int) { position = start }

  /// Takes an opening bracket and gives the nesting that is left inside.
  private mutating func descend(_ nestingLimit: Int) throws(JSONError) -> Int {
    let left = min(nestingLimit, JSONValue.maximumNesting)
    guard left > 0 else {
      throw failure(
        .nestingTooDeep,
        "lists and objects are nested too deeply",
        rule: "the nesting limit is exceeded"
      )
    }
    _ = take(UInt8(ascii: "{")) || take(UInt8(ascii: "["))
    return left - 1
  }
}
