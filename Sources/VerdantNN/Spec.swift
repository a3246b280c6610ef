public import VerdantBase

/// Which part to build, with its options: `{"kind": "low-rank", "rank": 64}`.
public struct Spec: KnobValue {
  /// The name in the catalog.
  public var kind: String
  /// The options beside `kind`; checked when the part is built.
  public var options: JSONObject

  /// Makes a spec.
  public init(_ kind: String, _ options: JSONObject = JSONObject()) {
    self.kind = kind
    self.options = options
  }

  /// Makes a spec from options as a value.
  public init(_ kind: String, _ options: some Knobs) {
    self.init(kind, options.json.objectValue ?? JSONObject())
  }

  /// The options as the part's own type; unknown keys are errors.
  public func options<K: Knobs>(_ type: K.Type, at path: PartPath) throws(ConfigError) -> K {
    var reader = SettingsReader()
    var value = K()
    value.update(from: options, at: path.description, &reader)
    try reader.finish()
    return value
  }

  /// Reports options that a structure does not have, where they are read.
  fileprivate func check<L: LinearMap>(
    _ type: L.Type, at path: String, _ reader: inout SettingsReader
  ) {
    var value = L.Options()
    value.update(from: options, at: path, &reader)
  }

  /// A kind, or a mapping with a kind.
  public static var expectation: String { "a kind, or a mapping with the key 'kind'" }

  /// Reads `name` or `{"kind": name, …}`.
  public static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> Spec?
  {
    if let kind = json.stringValue { return Spec(kind) }
    guard var options = reader.object(json, at: path) else { return nil }
    guard let kind = options["kind"]?.stringValue else {
      reader.report(.missingKey, "no kind is given", at: path, rule: "the key 'kind' is needed")
      return nil
    }
    options["kind"] = nil
    return Spec(kind, options)
  }

  /// The mapping with its kind first.
  public var json: JSONValue {
    var object = JSONObject()
    object["kind"] = .string(kind)
    for (key, value) in options { object[key] = value }
    return .object(object)
  }
}

/// Gives linear maps whose path matches a pattern a structure; the first matching rule counts.
public struct StructureRule: KnobValue {
  /// The pattern: `*` stands for one name, `**` for any number.
  public var match: String
  /// The structure.
  public var structure: Spec

  /// Makes a rule.
  public init(match: String, _ structure: Spec) {
    self.match = match
    self.structure = structure
  }

  /// A mapping with the keys match and kind.
  public static var expectation: String { "a mapping with the keys 'match' and 'kind'" }

  /// Reads `{"match": pattern, "kind": name, …}`.
  public static func read(_ json: JSONValue, at path: String, _ reader: inout SettingsReader)
    -> StructureRule?
  {
    guard var object = reader.object(json, at: path) else { return nil }
    guard let match = object["match"]?.stringValue else {
      reader.report(
        .missingKey, "no pattern is given", at: path, rule: "the key 'match' is needed")
      return nil
    }
    object["match"] = nil
    guard let spec = Spec.read(.object(object), at: path, &reader) else { return nil }
    guard let type = Catalog.linearMaps.first(where: { $0.kind == spec.kind }) else {
      reader.unknownName(
        spec.kind, known: Catalog.linearMaps.map { $0.kind }, at: reader.join(path, "kind"))
      return nil
    }
    spec.check(type, at: path, &reader)
    return StructureRule(match: match, spec)
  }

  /// The mapping with its pattern first.
  public var json: JSONValue {
    var object = JSONObject()
    object["match"] = .string(match)
    for (key, value) in structure.json.objectValue ?? JSONObject() { object[key] = value }
    return .object(object)
  }
}
