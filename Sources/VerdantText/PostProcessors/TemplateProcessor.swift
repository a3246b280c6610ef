internal import VerdantBase

/// Puts texts and special tokens in the order of a template.
struct TemplateProcessor: PostProcessor {
  static let kind = "TemplateProcessing"

  private enum Item {
    case text(index: Int, typeID: Int32)
    case special(ids: [Int32], typeID: Int32)
  }

  private let single: [Item]
  private let pair: [Item]

  init(_ settings: PartSettings) throws(TokenizerError) {
    var specials: [ExactString: [Int32]] = [:]
    if let value = settings.optional("special_tokens") {
      guard let object = value.objectValue else {
        throw settings.wrong(value, "special_tokens", "an object")
      }
      for (name, entry) in object {
        let ids = entry["ids"]?.arrayValue?.map { item in
          item.intValue.flatMap { Int32(exactly: $0) }.flatMap { $0 >= 0 ? $0 : nil }
        }
        guard let ids, !ids.isEmpty, !ids.contains(nil) else {
          throw settings.error(
            .wrongType, "the special token '\(escaped(name))' has no list of ids",
            "special_tokens", rule: "{\"id\": …, \"ids\": [id, …], \"tokens\": [token, …]}")
        }
        specials[ExactString(name)] = ids.compactMap { $0 }
      }
    }
    single = try Self.items("single", texts: 1, settings, specials)
    pair =
      settings.optional("pair") == nil ? [] : try Self.items("pair", texts: 2, settings, specials)
  }

  private static func items(
    _ key: String, texts: Int, _ settings: PartSettings, _ specials: [ExactString: [Int32]]
  ) throws(TokenizerError) -> [Item] {
    var result: [Item] = []
    for (index, value) in try settings.list(key).enumerated() {
      let place = "\(key)[\(index)]"
      let isText = value["Sequence"] != nil
      guard let object = (value["Sequence"] ?? value["SpecialToken"])?.objectValue else {
        throw settings.wrong(value, place, #"{"Sequence": …} or {"SpecialToken": …}"#)
      }
      let item = PartSettings(
        object: object, path: settings.place(place), file: settings.file)
      let name = try item.string("id")
      let typeID = Int32(try item.integer("type_id", in: 0...Int(Int32.max)) ?? 0)
      if isText {
        guard let text = ["A", "B"].prefix(texts).firstIndex(of: name) else {
          throw item.error(
            .outOfRange, "there is no text '\(escaped(name))'", "id",
            rule: texts == 1 ? "A" : "A or B")
        }
        result.append(.text(index: text, typeID: typeID))
      } else {
        guard let ids = specials[ExactString(name)] else {
          throw item.error(
            .missingToken, "the special token '\(escaped(name))' is not described", "id",
            rule: "an entry of 'special_tokens'")
        }
        result.append(.special(ids: ids, typeID: typeID))
      }
    }
    return result
  }

  var addedIDs: [(key: String, id: Int32)] {
    (single + pair).flatMap { item -> [(key: String, id: Int32)] in
      guard case .special(let ids, _) = item else { return [] }
      return ids.map { ("special_tokens", $0) }
    }
  }

  func addedCount(isPair: Bool) -> Int {
    (isPair ? pair : single).reduce(0) { count, item in
      if case .special(let ids, _) = item { count + ids.count } else { count }
    }
  }

  func process(_ parts: [ProcessedPart], addsSpecial: Bool) -> [ProcessedPart] {
    // Parts that another template made already are not those of a text or a pair.
    guard parts.count <= 2 else { return parts }
    var result: [ProcessedPart] = []
    for item in parts.count == 2 ? pair : single {
      switch item {
      case .text(let index, let typeID):
        var part = parts[index]
        part.text.typeIDs = part.text.ids.map { _ in typeID }
        result.append(part)
      case .special(let ids, let typeID):
        if addsSpecial { result.append(ProcessedPart(special: ids, typeID: typeID)) }
      }
    }
    return result
  }
}
