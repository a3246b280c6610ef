internal import VerdantBase

/// Finds the parts of a tokenizer file in the catalog.
struct PartReader {
  let file: String?

  /// No file chains more parts of one sort.
  private static let mostParts = 64
  /// No chain may make a text so many times as large.
  private static let mostGrowth = 4_096

  func normalizers(_ value: JSONValue?) throws(TokenizerError) -> [any Normalizer] {
    var parts: [any Normalizer] = []
    for settings in try flat(value, "normalizer", "normalizers") {
      let type = try find(settings, TokenizerCatalog.normalizers, "normalizer") { $0.kind }
      parts.append(try type.init(settings))
    }
    try checkGrowth(parts.map(\.growth), "normalizer")
    return parts
  }

  func preTokenizers(_ value: JSONValue?) throws(TokenizerError) -> [any PreTokenizer] {
    var parts: [any PreTokenizer] = []
    for settings in try flat(value, "pre_tokenizer", "pretokenizers") {
      let type = try find(settings, TokenizerCatalog.preTokenizers, "pre-tokenizer") { $0.kind }
      parts.append(try type.init(settings))
    }
    try checkGrowth(parts.map(\.growth), "pre_tokenizer")
    return parts
  }

  func postProcessors(_ value: JSONValue?) throws(TokenizerError) -> [any PostProcessor] {
    var parts: [any PostProcessor] = []
    for settings in try flat(value, "post_processor", "processors") {
      let type = try find(settings, TokenizerCatalog.postProcessors, "post-processor") { $0.kind }
      parts.append(try type.init(settings))
    }
    return parts
  }

  func decoders(_ value: JSONValue?) throws(TokenizerError) -> [any TokenDecoder] {
    var parts: [any TokenDecoder] = []
    for settings in try flat(value, "decoder", "decoders") {
      let type = try find(settings, TokenizerCatalog.decoders, "decoder") { $0.kind }
      parts.append(try type.init(settings))
    }
    return parts
  }

  func model(_ file: ModelFile, kind: String) throws(TokenizerError) -> any TokenModel {
    guard let type = TokenizerCatalog.models.first(where: { $0.kind == kind }) else {
      throw unknown(kind, TokenizerCatalog.models.map { $0.kind }, "model", file.settings)
    }
    return try type.init(file)
  }

  /// The settings of a part, or of the parts of a sequence, in order.
  private func flat(_ value: JSONValue?, _ path: String, _ list: String) throws(TokenizerError)
    -> [PartSettings]
  {
    guard let value, !value.isNull else { return [] }
    guard let object = value.objectValue else {
      throw TokenizerError(
        .wrongType, "'\(path)' is \(value.typeName)", file: file, place: path,
        rule: "an object or null expected")
    }
    let settings = PartSettings(object: object, path: path, file: file)
    guard object["type"]?.stringValue == "Sequence" else { return [settings] }
    var result: [PartSettings] = []
    for (index, item) in try settings.list(list).enumerated() {
      result += try flat(item, "\(path).\(list)[\(index)]", list)
      guard result.count <= Self.mostParts else {
        throw settings.error(
          .tooLarge, "more than \(Self.mostParts) parts in a chain", list,
          rule: "the limit of parts")
      }
    }
    return result
  }

  private func find<Part>(
    _ settings: PartSettings, _ all: [Part], _ what: String, _ name: (Part) -> String
  ) throws(TokenizerError) -> Part {
    let kind = try settings.string("type")
    if let found = all.first(where: { name($0) == kind }) { return found }
    throw unknown(kind, all.map(name), what, settings)
  }

  private func unknown(_ kind: String, _ known: [String], _ what: String, _ settings: PartSettings)
    -> TokenizerError
  {
    settings.error(
      .unknownKind, "unknown \(what) '\(escaped(kind))'", "type",
      rule: "one of \(known.joined(separator: ", "))",
      advice: nearest(to: kind, in: known).map { "did you mean '\($0)'?" })
  }

  private func checkGrowth(_ factors: [Int], _ path: String) throws(TokenizerError) {
    var product = 1
    for factor in factors {
      let (next, overflow) = product.multipliedReportingOverflow(by: factor)
      guard !overflow, next <= Self.mostGrowth else {
        throw TokenizerError(
          .tooLarge, "'\(path)' could make a text more than \(Self.mostGrowth) times as large",
          file: file, place: path, rule: "the limit of growth")
      }
      product = next
    }
  }
}
