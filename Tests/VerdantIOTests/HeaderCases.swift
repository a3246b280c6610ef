import Testing
import VerdantBase

/// A header and what is expected of it; `kind` nil means that it is accepted.
struct HeaderCase: Sendable, CustomTestStringConvertible {
  let json: String
  let data: Int
  let kind: CheckpointError.Kind?

  init(_ json: String, _ data: Int, _ kind: CheckpointError.Kind?) {
    self.json = json
    self.data = data
    self.kind = kind
  }

  /// An entry named `a` with these parts.
  static func entry(
    _ dtype: String,
    _ shape: String,
    _ offsets: String,
    _ data: Int,
    _ kind: CheckpointError.Kind?
  ) -> HeaderCase {
    HeaderCase(
      #"{"a":{"dtype":\#(dtype),"shape":\#(shape),"data_offsets":\#(offsets)}}"#,
      data,
      kind
    )
  }

  var testDescription: String { "\(json.prefix(90)) + \(data) bytes" }
}

/// Headers of every class that a reader has to judge.
enum HeaderCases {
  private static let a = #""a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}"#

  static let frames: [HeaderCase] = [
    .init("{}", 0, nil),
    .init("  \n\t{\(a)}  \r\n", 4, nil),
    .init("", 0, .headerNotJSON),
    .init("   ", 0, .headerNotJSON),
    .init("{", 0, .headerNotJSON),
    .init("hello", 0, .headerNotJSON),
    .init("[]", 0, .headerNotJSON),
    .init("\"a\"", 0, .headerNotJSON),
    .init("5", 0, .headerNotJSON),
    .init("null", 0, .headerNotJSON),
    .init("\u{FEFF}{}", 0, .headerNotJSON),
    .init("{}\u{0}", 0, .headerNotJSON),
    .init("{}x", 0, .headerNotJSON),
    .init("{}{}", 0, .headerNotJSON),
    .init("{\(a),}", 4, .headerNotJSON),
    .init("{\(a) \(a)}", 4, .headerNotJSON),
    .init("{}", 1, .lengthMismatch),
    .init("{\(a)}", 5, .lengthMismatch),
    .init("{\(a)}", 3, .lengthMismatch),
    .init("{\(a)}", 0, .lengthMismatch),
  ]

  static let names: [HeaderCase] = {
    func two(_ first: String, _ second: String) -> String {
      #"{\#(first):{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
        + #"\#(second):{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#
    }
    func one(_ name: String) -> String {
      #"{"\#(name)":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
    }
    let long = String(repeating: "n", count: 1_024)
    return [
      .init(two("\"a\"", "\"b\""), 2, nil),
      .init(two("\"a\"", "\"a\""), 2, .duplicateName),
      .init(two("\"a\"", "\"\\u0061\""), 2, .duplicateName),
      .init(two("\"\\u00e9\"", "\"é\""), 2, .duplicateName),
      .init(two("\"e\u{301}\"", "\"\u{E9}\""), 2, .duplicateName),
      .init(
        #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"#
          + #""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        4,
        .duplicateName
      ),
      .init(one(""), 1, .invalidName),
      .init(one("\\u0000"), 1, .invalidName),
      .init(one("a\\u0000b"), 1, .invalidName),
      .init(one("a\\nb"), 1, .invalidName),
      .init(one("a\\u001b[31m"), 1, .invalidName),
      .init(one("a\u{7F}"), 1, .invalidName),
      .init(one("a\u{202E}b"), 1, .invalidName),
      .init(one("a\u{2066}b"), 1, .invalidName),
      .init(one("a\\u2028b"), 1, .invalidName),
      .init(one("a\u{200B}b"), 1, .invalidName),
      .init(one(long), 1, nil),
      .init(one(long + "n"), 1, .invalidName),
      .init(one(String(repeating: "n", count: 1_000_000)), 1, .invalidName),
      .init(one("größe.重み 😀/[0]"), 1, nil),
      .init(one("a\u{1}b"), 1, .headerNotJSON),
      .init(one("\\ud800"), 1, .headerNotJSON),
      .init(one("\\q"), 1, .headerNotJSON),
    ]
  }()

  static let metadata: [HeaderCase] = [
    .init(#"{"__metadata__":{}}"#, 0, nil),
    .init(#"{"__metadata__":null}"#, 0, nil),
    .init(#"{"__metadata__":{"a":"","":"b"}}"#, 0, nil),
    .init(#"{"__metadata__":[]}"#, 0, .invalidMetadata),
    .init(#"{"__metadata__":"a"}"#, 0, .invalidMetadata),
    .init(#"{"__metadata__":1}"#, 0, .invalidMetadata),
    .init(#"{"__metadata__":{"a":1}}"#, 0, .invalidMetadata),
    .init(#"{"__metadata__":{"a":null}}"#, 0, .invalidMetadata),
    .init(#"{"__metadata__":{"a":["b"]}}"#, 0, .invalidMetadata),
    .init(#"{"__metadata__":{"a":"1","a":"1"}}"#, 0, .duplicateName),
    .init(#"{"__metadata__":{"a":"1","\u0061":"2"}}"#, 0, .duplicateName),
    .init(#"{"__metadata__":{},"__metadata__":{}}"#, 0, .duplicateName),
    .init(#"{"__metadata__":null,"__metadata__":null}"#, 0, .duplicateName),
    .init(#"{"__metadata__":{},"\u005f_metadata__":{}}"#, 0, .duplicateName),
  ]

  static let entries: [HeaderCase] = [
    .entry(#""F32""#, "[1]", "[0,4]", 4, nil),
    .entry(#""F32""#, "[]", "[0,4]", 4, nil),
    .entry(#""F32""#, "[0]", "[0,0]", 0, nil),
    .entry(#""F4""#, "[2]", "[0,1]", 1, nil),
    .entry(#""F6_E2M3""#, "[4]", "[0,3]", 3, nil),
    .entry(#""U8""#, "[1,1,1,1,1,1,1,1]", "[0,1]", 1, nil),
    .init(#"{"a":5}"#, 0, .invalidEntry),
    .init(#"{"a":null}"#, 0, .invalidEntry),
    .init(#"{"a":["F32",[1],[0,4]]}"#, 4, .invalidEntry),
    .init(#"{"a":{}}"#, 0, .invalidEntry),
    .init(#"{"a":{"dtype":"U8","shape":[1]}}"#, 1, .invalidEntry),
    .init(#"{"a":{"dtype":"U8","data_offsets":[0,1]}}"#, 1, .invalidEntry),
    .init(#"{"a":{"shape":[1],"data_offsets":[0,1]}}"#, 1, .invalidEntry),
    .init(
      #"{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
      1,
      .duplicateName
    ),
    .init(
      #"{"a":{"dtype":"U8","shape":[1],"\u0073hape":[1],"data_offsets":[0,1]}}"#,
      1,
      .duplicateName
    ),
    .init(
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"data_offsets":[0,1]}}"#,
      1,
      .duplicateName
    ),
    .init(#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":{"y":[1.5]}}}"#, 1, nil),
    .init(
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1,"x":2}}"#,
      1,
      .duplicateName
    ),
    .entry(#""F33""#, "[1]", "[0,4]", 4, .unknownDType),
    .entry(#""f32""#, "[1]", "[0,4]", 4, .unknownDType),
    .entry(#""""#, "[1]", "[0,4]", 4, .unknownDType),
    .entry("5", "[1]", "[0,4]", 4, .invalidEntry),
    .entry("null", "[1]", "[0,4]", 4, .invalidEntry),
    .entry(#""U8""#, "[-1]", "[0,1]", 1, .invalidEntry),
    .entry(#""U8""#, "[-0]", "[0,0]", 0, .invalidEntry),
    .entry(#""U8""#, "[1.0]", "[0,1]", 1, .invalidEntry),
    .entry(#""U8""#, "[1e3]", "[0,1000]", 1_000, .invalidEntry),
    .entry(#""U8""#, #"["1"]"#, "[0,1]", 1, .invalidEntry),
    .entry(#""U8""#, "[[1]]", "[0,1]", 1, .invalidEntry),
    .entry(#""U8""#, "[null]", "[0,1]", 1, .invalidEntry),
    .entry(#""U8""#, #""1""#, "[0,1]", 1, .invalidEntry),
    .entry(#""U8""#, "null", "[0,1]", 1, .invalidEntry),
    .entry(#""U8""#, "1", "[0,1]", 1, .invalidEntry),
    .entry(#""U8""#, "[01]", "[0,1]", 1, .headerNotJSON),
    .entry(#""U8""#, "[1e400]", "[0,1]", 1, .headerNotJSON),
    .entry(#""U8""#, "[NaN]", "[0,1]", 1, .headerNotJSON),
    .entry(#""U8""#, "[1,1,1,1,1,1,1,1,1]", "[0,1]", 1, .tooManyDimensions),
    .entry(#""U8""#, "[9223372036854775807]", "[0,1]", 1, .sizeOverflow),
    .entry(#""U8""#, "[9223372036854775808]", "[0,1]", 1, .sizeOverflow),
    .entry(#""U8""#, "[18446744073709551616]", "[0,1]", 1, .sizeOverflow),
    .entry(#""U8""#, "[1099511627777]", "[0,1]", 1, .sizeOverflow),
    .entry(#""U8""#, "[1099511627776]", "[0,1]", 1, .sizeMismatch),
    .entry(#""U8""#, "[4294967296,4294967296]", "[0,0]", 0, .sizeOverflow),
    .entry(#""F64""#, "[2147483648,2147483648,4]", "[0,0]", 0, .sizeOverflow),
    .entry(#""U8""#, "[9223372036854775807,0]", "[0,0]", 0, .sizeOverflow),
    .entry(#""U8""#, "[0,9223372036854775807]", "[0,0]", 0, .sizeOverflow),
    .entry(#""U8""#, "[0,1048576,1048577]", "[0,0]", 0, .sizeOverflow),
    .entry(#""U8""#, "[0,1048576]", "[0,0]", 0, nil),
    .entry(#""F4""#, "[3]", "[0,1]", 1, .sizeMismatch),
    .entry(#""F6_E3M2""#, "[3]", "[0,2]", 2, .sizeMismatch),
    .entry(#""F32""#, "[1]", "[0,3]", 3, .sizeMismatch),
    .entry(#""F32""#, "[1]", "[0,5]", 5, .sizeMismatch),
  ]

  static let offsets: [HeaderCase] = {
    func two(_ first: String, _ second: String, size: Int = 2) -> String {
      #"{"a":{"dtype":"U8","shape":[\#(size)],"data_offsets":\#(first)},"#
        + #""b":{"dtype":"U8","shape":[\#(size)],"data_offsets":\#(second)}}"#
    }
    return [
      .entry(#""U8""#, "[1]", "[]", 1, .invalidEntry),
      .entry(#""U8""#, "[1]", "[0]", 1, .invalidEntry),
      .entry(#""U8""#, "[1]", "[0,1,1]", 1, .invalidEntry),
      .entry(#""U8""#, "[1]", "[0,-1]", 1, .invalidEntry),
      .entry(#""U8""#, "[1]", "[0.0,1]", 1, .invalidEntry),
      .entry(#""U8""#, "[1]", #"["0","1"]"#, 1, .invalidEntry),
      .entry(#""U8""#, "[1]", #"{"0":1}"#, 1, .invalidEntry),
      .entry(#""U8""#, "[1]", "[0,18446744073709551616]", 1, .sizeOverflow),
      .entry(#""U8""#, "[1]", "[18446744073709551615,0]", 1, .sizeOverflow),
      .entry(#""U8""#, "[1]", "[9223372036854775806,9223372036854775807]", 1, .overlapOrHole),
      .entry(#""U8""#, "[1]", "[1,0]", 1, .overlapOrHole),
      .entry(#""U8""#, "[1]", "[1,2]", 2, .overlapOrHole),
      .entry(#""U8""#, "[2]", "[0,2]", 1, .lengthMismatch),
      .init(two("[0,2]", "[2,4]"), 4, nil),
      .init(two("[2,4]", "[0,2]"), 4, nil),
      .init(two("[0,2]", "[0,2]"), 2, .overlapOrHole),
      .init(two("[0,2]", "[1,3]"), 3, .overlapOrHole),
      .init(two("[0,2]", "[3,5]"), 5, .overlapOrHole),
      .init(two("[1,3]", "[3,5]"), 5, .overlapOrHole),
      .init(two("[0,2]", "[2,4]"), 5, .lengthMismatch),
      .init(two("[0,2]", "[2,4]"), 3, .lengthMismatch),
      .init(two("[0,0]", "[0,0]", size: 0), 0, nil),
      .init(two("[0,0]", "[1,1]", size: 0), 1, .overlapOrHole),
    ]
  }()
}
