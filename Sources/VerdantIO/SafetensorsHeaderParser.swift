internal import VerdantBase

/// Turns the JSON of a safetensors header into entries, token by token.
struct SafetensorsHeaderParser {
  private(set) var metadata: [String: String] = [:]

  private var reader: JSONReader
  private let bytes: UnsafeRawBufferPointer
  let rules: SafetensorsRules
  private(set) var entries: [TensorEntry] = []
  private var names: Set<String> = []

  init(_ bytes: UnsafeRawBufferPointer, file: String?, limits: Limits) {
    self.bytes = bytes
    rules = SafetensorsRules(file: file, limits: limits)
    reader = JSONReader(bytes, file: file, baseOffset: 8)
  }

  /// Reads the whole header.
  mutating func parse() throws(CheckpointError) {
    if let offset = firstInvalidUTF8(in: bytes) {
      throw CheckpointError(
        .headerNotUTF8,
        "the header has invalid UTF-8",
        file: rules.file,
        place: "byte \(8 + offset)",
        rule: "the header is UTF-8 text",
        advice: "check that this is a safetensors file"
      )
    }
    do throws(JSONError) {
      try reader.checkStart()
      try reader.expect(UInt8(ascii: "{"), "'{' at the start of the header")
    } catch { throw translated(error) }
    try members { parser, name throws(CheckpointError) in try parser.member(name) }
    do throws(JSONError) { try reader.expectEnd() } catch { throw translated(error) }
  }

  /// Goes through the members of the object whose bracket was just taken.
  private mutating func members(
    _ body: (inout Self, String) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    if reader.take(UInt8(ascii: "}")) { return }
    repeat {
      let key: String
      do throws(JSONError) {
        key = try reader.string()
        try reader.expect(UInt8(ascii: ":"), "':'")
      } catch { throw translated(error) }
      try body(&self, key)
    } while reader.take(UInt8(ascii: ","))
    do throws(JSONError) {
      try reader.expect(UInt8(ascii: "}"), "',' or '}'")
    } catch { throw translated(error) }
  }

  private mutating func member(_ name: String) throws(CheckpointError) {
    guard !names.contains(name) else {
      throw rules.failure(
        .duplicateName,
        "the name appears twice",
        tensor: name,
        rule: "names are unique, also after escapes and Unicode normalization"
      )
    }
    if name == SafetensorsRules.metadataKey {
      try readMetadata()
    } else {
      guard entries.count < rules.limits.tensorsPerFile else {
        throw rules.failure(
          .tooManyTensors,
          "the file has more than \(rules.limits.tensorsPerFile) tensors",
          rule: "this is the limit of tensors per file"
        )
      }
      try rules.checkName(name)
      try readEntry(name)
    }
    names.insert(name)
  }

  private mutating func readMetadata() throws(CheckpointError) {
    let invalid = { (rules: SafetensorsRules, found: String) in
      rules.failure(
        .invalidMetadata,
        "the metadata has \(found)",
        tensor: nil,
        rule: "\(SafetensorsRules.metadataKey) is an object of strings"
      )
    }
    guard reader.take(UInt8(ascii: "{")) else {
      let value = try value(nesting: 1)
      if value.isNull { return }
      throw invalid(rules, "\(value.typeName) in the place of an object")
    }
    try members { parser, key throws(CheckpointError) in
      let value = try parser.value(nesting: 2)
      guard case .string(let text) = value else {
        throw invalid(parser.rules, "\(value.typeName) for the key \"\(escaped(key))\"")
      }
      guard parser.metadata.updateValue(text, forKey: key) == nil else {
        throw parser.rules.failure(
          .duplicateName,
          "the metadata key \"\(escaped(key))\" appears twice",
          rule: "keys are unique"
        )
      }
    }
  }

  private mutating func readEntry(_ name: String) throws(CheckpointError) {
    guard reader.take(UInt8(ascii: "{")) else {
      let value = try value(nesting: 1)
      throw rules.failure(
        .invalidEntry,
        "the entry is \(value.typeName)",
        tensor: name,
        rule: "entries are objects with dtype, shape and data_offsets"
      )
    }
    var fields = JSONObject()
    try members { parser, key throws(CheckpointError) in
      let value = try parser.field(key, name)
      guard fields.appendIfNew(key, value) else {
        throw parser.rules.failure(
          .duplicateName,
          "the key \"\(escaped(key))\" appears twice in an entry",
          tensor: name,
          rule: "keys are unique"
        )
      }
    }
    let dtype = try dtype(fields["dtype"], name)
    let shape = try sizes(fields["shape"], "shape", name)
    let offsets = try sizes(fields["data_offsets"], "data_offsets", name)
    let byteCount = try rules.byteCount(of: shape, dtype, tensor: name)
    guard offsets.count == 2 else {
      throw rules.failure(
        .invalidEntry,
        "data_offsets has \(offsets.count) items",
        tensor: name,
        rule: "it is [begin, end]"
      )
    }
    guard offsets[0] <= offsets[1] else {
      throw rules.failure(
        .overlapOrHole,
        "data_offsets \(offsets) runs backwards",
        tensor: name,
        rule: "it is [begin, end]"
      )
    }
    guard offsets[1] - offsets[0] == byteCount else {
      throw rules.failure(
        .sizeMismatch,
        "data_offsets \(offsets) spans \(offsets[1] - offsets[0]) bytes",
        tensor: name,
        rule: "\(dtype.name) of shape \(shape) has \(byteCount)"
      )
    }
    entries.append(
      TensorEntry(name: name, dtype: dtype, shape: shape, range: offsets[0]..<offsets[1])
    )
  }

  /// Reads the value of a key in an entry; lists that are longer than allowed are not stored.
  private mutating func field(_ key: String, _ tensor: String) throws(CheckpointError) -> JSONValue
  {
    let isShape = key == "shape"
    guard isShape || key == "data_offsets", reader.take(UInt8(ascii: "[")) else {
      return try value(nesting: 2)
    }
    var items: [JSONValue] = []
    if reader.take(UInt8(ascii: "]")) { return .array(items) }
    repeat {
      guard items.count < (isShape ? rules.limits.dimensions : 2) else {
        throw rules.failure(
          isShape ? .tooManyDimensions : .invalidEntry,
          "\(key) has more than \(items.count) items",
          tensor: tensor,
          rule: isShape
            ? "shapes have at most \(rules.limits.dimensions) dimensions" : "it is [begin, end]"
        )
      }
      items.append(try value(nesting: 3))
    } while reader.take(UInt8(ascii: ","))
    do throws(JSONError) {
      try reader.expect(UInt8(ascii: "]"), "',' or ']'")
    } catch { throw translated(error) }
    return .array(items)
  }

  private func dtype(
    _ value: JSONValue?,
    _ tensor: String
  ) throws(CheckpointError) -> StoredDType {
    guard case .string(let name)? = value else {
      throw rules.failure(
        .invalidEntry,
        "dtype is \(value?.typeName ?? "missing")",
        tensor: tensor,
        rule: "dtype is a string such as \"F32\""
      )
    }
    guard let dtype = StoredDType(rawValue: name) else {
      let hint = nearest(to: name, in: StoredDType.allCases.map(\.name))
      throw rules.failure(
        .unknownDType,
        "unknown dtype \"\(escaped(name))\"",
        tensor: tensor,
        rule: "type names are in upper case",
        advice: hint.map { "the closest one is \"\($0)\"" }
      )
    }
    return dtype
  }

  private func sizes(
    _ value: JSONValue?,
    _ key: String,
    _ tensor: String
  ) throws(CheckpointError) -> [Int] {
    guard case .array(let items)? = value else {
      throw rules.failure(
        .invalidEntry,
        "\(key) is \(value?.typeName ?? "missing")",
        tensor: tensor,
        rule: "\(key) is a list of integers"
      )
    }
    var sizes = [Int]()
    sizes.reserveCapacity(items.count)
    for item in items {
      if case .number(let number) = item, number >= 0x1p63 {
        throw rules.failure(
          .sizeOverflow,
          "\(key) has \(number)",
          tensor: tensor,
          rule: "sizes and offsets fit 63 bits"
        )
      }
      guard case .integer(let size) = item, size >= 0 else {
        throw rules.failure(
          .invalidEntry,
          "\(key) has \(item.typeName) that is no size",
          tensor: tensor,
          rule: "sizes are integers from 0, written without fraction and exponent"
        )
      }
      sizes.append(size)
    }
    return sizes
  }

  /// Reads the next value inside `nesting` objects.
  private mutating func value(nesting: Int) throws(CheckpointError) -> JSONValue {
    do throws(JSONError) {
      return try reader.value(nestingLimit: rules.limits.jsonNesting - nesting)
    } catch {
      throw translated(error)
    }
  }

  private func translated(_ error: JSONError) -> CheckpointError {
    var report = error.report
    report.what = "the header is not valid: \(report.what)"
    return CheckpointError(error.kind == .duplicateKey ? .duplicateName : .headerNotJSON, report)
  }
}
