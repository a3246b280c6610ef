import Testing
import Verdant

/// Damaged files and hostile texts: an error or a result, never a crash.
@Suite struct TokenizerRobustnessTests {
  /// Bytes that change the structure of a file when they land in it.
  private static let structural = Array("\"{}[],:\\0189-.eEnultrfas \u{0}".utf8) + [0xFF, 0xC3]

  @Test(arguments: ["gpt2", "llama2", "mistral", "bert", "xlm", "forms", "left", "roberta"])
  func damagedFiles(_ name: String) throws {
    let intact = try GoldenTokenizer.bytes("\(name).json")
    var accepted = 0
    for trial in 0..<150 {
      let source = RandomSource(seed: UInt64(trial))
      var bytes = intact
      for change in 0..<3 {
        let place = Int(source.uniform(at: UInt64(2 * change)) * Double(bytes.count))
        let choice = Int(source.uniform(at: UInt64(2 * change + 1)) * 40)
        if choice < Self.structural.count {
          bytes[place] = Self.structural[choice]
        } else if choice < 34 {
          bytes.remove(at: place)
        } else {
          bytes.removeSubrange(place..<min(bytes.count, place + 40 * (choice - 33)))
        }
      }
      do throws(TokenizerError) {
        let tokenizer = try PretrainedTokenizer(parsing: bytes, file: "damaged")
        let ids = tokenizer.tokenize("Grüße 世界 <s> 12\n it's x", and: "b").ids
        _ = tokenizer.decode(ids)
        accepted += 1
      } catch {
        #expect(error.description.contains("damaged"))
      }
    }
    #expect(accepted < 150)
  }

  @Test(arguments: ["gpt2", "llama2", "bert", "forms"])
  func everyPrefixOfAFile(_ name: String) throws {
    let intact = try GoldenTokenizer.bytes("\(name).json")
    for count in stride(from: 0, to: intact.count - 2, by: max(1, intact.count / 120)) {
      #expect(throws: TokenizerError.self) {
        try PretrainedTokenizer(parsing: Array(intact[..<count]))
      }
    }
  }

  /// Values of another type or size in the place of each setting.
  @Test(arguments: [
    "roberta", "llama3", "llama2", "mistral", "bert", "cased", "xlm", "forms", "left",
  ])
  func settingsOfOtherTypes(_ name: String) throws {
    let file = try JSONValue(parsing: GoldenTokenizer.bytes("\(name).json"))
    let values: [JSONValue] = [
      .null, true, -1, 0, 9_223_372_036_854_775_807, 1e300, "", "x", .array([]), .object([:]),
      .array([.array([.array([])])]),
    ]
    var count = 0
    for path in Self.paths(file)
    where path.first != "model" || path.last == "type" || path.count == 2 {
      if path == ["model", "vocab"] || path == ["model", "merges"] { continue }
      for value in values {
        let bytes = try JSONWriter.bytes(of: Self.replace(file, path[...], value))
        let tokenizer = try? PretrainedTokenizer(parsing: bytes)
        _ = tokenizer?.tokenize("ab <s> x1 \u{301}", and: "y")
        count += 1
      }
    }
    #expect(count > 100)
  }

  private static func paths(_ value: JSONValue, _ path: [String] = []) -> [[String]] {
    var result: [[String]] = path.isEmpty ? [] : [path]
    if path.count > 1, path[0] == "model" { return result }
    if let object = value.objectValue {
      for (key, member) in object { result += paths(member, path + [key]) }
    }
    if let items = value.arrayValue {
      for (i, item) in items.prefix(4).enumerated() { result += paths(item, path + ["\(i)"]) }
    }
    return result
  }

  private static func replace(_ value: JSONValue, _ path: ArraySlice<String>, _ new: JSONValue)
    -> JSONValue
  {
    guard let key = path.first else { return new }
    if var object = value.objectValue {
      if let member = object[key] { object[key] = replace(member, path.dropFirst(), new) }
      return .object(object)
    }
    if var items = value.arrayValue, let i = Int(key) {
      items[i] = replace(items[i], path.dropFirst(), new)
      return .array(items)
    }
    return value
  }

  /// Long runs take no time that grows with their square: this test would not end.
  @Test(arguments: GoldenTokenizer.names)
  func longRuns(_ name: String) throws {
    var tokenizer = try GoldenTokenizer(name).tokenizer
    tokenizer.truncation = nil
    tokenizer.padding = nil
    for unit in ["a", " ", "\n", "^", "é", "\u{301}", "日", "ab", "</s>", "\u{0}", "▁"] {
      let text = String(repeating: unit, count: 200_000 / unit.utf8.count)
      let ids = tokenizer.encode(text)
      #expect(ids.allSatisfy { $0 >= 0 && $0 < tokenizer.vocabulary })
    }
  }

  @Test(arguments: GoldenTokenizer.names)
  func anyBytes(_ name: String) throws {
    let tokenizer = try GoldenTokenizer(name).tokenizer
    for trial in 0..<100 {
      let source = RandomSource(seed: UInt64(trial + 1_000))
      let bytes = (0..<60).map { UInt8(source.uniform(at: UInt64($0)) * 256) }
      var ids: [Int32] = []
      bytes.withUnsafeBytes { tokenizer.encode($0, into: &ids) }
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(ids == tokenizer.encode(text))
      let result = tokenizer.tokenize(text)
      #expect(result.offsets.allSatisfy { $0.upperBound <= text.unicodeScalars.count })
    }
  }

  @Test func callsAtTheSameTime() async throws {
    let golden = try GoldenTokenizer("llama3")
    let texts = golden.cases.map(\.text)
    let expected = texts.map(golden.tokenizer.encode)
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 {
        group.addTask { texts.map(golden.tokenizer.encode) == expected }
      }
      for await isEqual in group { #expect(isEqual) }
    }
  }
}
