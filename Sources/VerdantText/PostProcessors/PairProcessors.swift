internal import VerdantBase

/// `[CLS] A [SEP]`, and `[CLS] A [SEP] B [SEP]` for pairs.
struct BertProcessor: PostProcessor {
  static let kind = "BertProcessing"
  private let separator: Int32
  private let start: Int32

  init(_ settings: PartSettings) throws(TokenizerError) {
    separator = try settings.tokenWithID("sep")
    start = try settings.tokenWithID("cls")
  }

  var addedIDs: [(key: String, id: Int32)] { [("sep", separator), ("cls", start)] }
  func addedCount(isPair: Bool) -> Int { isPair ? 3 : 2 }

  func process(_ parts: [ProcessedPart], addsSpecial: Bool) -> [ProcessedPart] {
    guard addsSpecial else { return parts }
    var result: [ProcessedPart] = []
    for (index, part) in parts.enumerated() {
      if index == 0 { result.append(ProcessedPart(special: [start], typeID: 0)) }
      result.append(part)
      result.append(ProcessedPart(special: [separator], typeID: index == 0 ? 0 : 1))
    }
    return result
  }
}

/// `<s> A </s>`, and `<s> A </s></s> B </s>` for pairs.
struct RobertaProcessor: PostProcessor {
  static let kind = "RobertaProcessing"
  private let separator: Int32
  private let start: Int32
  private let trims: Bool
  private let hasPrefixSpace: Bool

  init(_ settings: PartSettings) throws(TokenizerError) {
    separator = try settings.tokenWithID("sep")
    start = try settings.tokenWithID("cls")
    trims = try settings.bool("trim_offsets") ?? true
    hasPrefixSpace = try settings.bool("add_prefix_space") ?? true
  }

  var needsSpaces: Bool { trims }
  var addedIDs: [(key: String, id: Int32)] { [("sep", separator), ("cls", start)] }
  func addedCount(isPair: Bool) -> Int { isPair ? 4 : 2 }

  func process(_ parts: [ProcessedPart], addsSpecial: Bool) -> [ProcessedPart] {
    var parts = parts
    for i in parts.indices {
      if trims { parts[i].trimOffsets(hasPrefixSpace: hasPrefixSpace) }
      parts[i].text.typeIDs = parts[i].text.ids.map { _ in 0 }
    }
    guard addsSpecial else { return parts }
    var result: [ProcessedPart] = []
    for (index, part) in parts.enumerated() {
      result.append(ProcessedPart(special: [index == 0 ? start : separator], typeID: 0))
      result.append(part)
      result.append(ProcessedPart(special: [separator], typeID: 0))
    }
    return result
  }
}

extension PartSettings {
  /// The id of a list `["token", id]`.
  fileprivate func tokenWithID(_ key: String) throws(TokenizerError) -> Int32 {
    let items = try list(key)
    guard items.count == 2, items[0].stringValue != nil, let id = items[1].intValue,
      let short = Int32(exactly: id), short >= 0
    else {
      throw error(.wrongType, "'\(key)' is no token with an id", key, rule: "[\"token\", id]")
    }
    return short
  }
}
