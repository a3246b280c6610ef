import VerdantBase
import Yams

/// A YAML text as plain values, with the line of each key.
struct YAMLTree {
  private(set) var value: JSONValue
  private(set) var lines: [String: Int] = [:]

  private let file: String?
  private var nodes = 0
  private static let mostNodes = 100_000
  private static let deepest = 32

  init(_ text: String, file: String?) throws(ConfigError) {
    self.file = file
    value = .object(JSONObject())
    try Self.refuseReferences(text, file)
    if let node = try Self.compose(text, file) {
      value = try convert(node, "", depth: 0)
      if value.isNull { value = .object(JSONObject()) }
    }
  }

  // A few nested references stand for more values than any machine holds, and the parser expands
  // them before one can count. So none gets to it: outside of quotes and comments no word begins
  // with `&` or `*`.
  private static func refuseReferences(_ text: String, _ file: String?) throws(ConfigError) {
    var quote: UInt8?
    var isComment = false
    var before = UInt8(ascii: "\n")
    var line = 1
    for byte in text.utf8 {
      let startsWord = [9, 10, 13, 32, 44, 91, 123].contains(before)
      if byte == 10 {
        line += 1
        isComment = false
      } else if isComment {
      } else if let open = quote {
        if byte == open, before != UInt8(ascii: "\\") || open == UInt8(ascii: "'") { quote = nil }
      } else if startsWord {
        switch byte {
        case UInt8(ascii: "#"): isComment = true
        case UInt8(ascii: "'"), UInt8(ascii: "\""): quote = byte
        case UInt8(ascii: "&"), UInt8(ascii: "*"):
          throw ConfigError(
            .syntax, "a word that begins with \(byte == 38 ? "&" : "*")", file: file,
            place: "line \(line)", rule: "recipes have no anchors and aliases",
            advice: "put a pattern such as '*.query' in quotes")
        default: break
        }
      }
      before = byte
    }
  }

  private static func compose(_ text: String, _ file: String?) throws(ConfigError) -> Node? {
    do {
      return try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw syntaxError(error, file)
    } catch {
      throw ConfigError(.syntax, "\(error)", file: file)
    }
  }

  private static func syntaxError(_ error: YamlError, _ file: String?) -> ConfigError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      ConfigError(
        .syntax, problem, file: file, place: "line \(mark.line)", rule: "a recipe is YAML")
    case .reader(let problem, let offset, _, _):
      ConfigError(
        .syntax, problem, file: file, place: offset.map { "byte \($0)" }, rule: "a recipe is YAML")
    case .duplicatedKeysInMapping(let duplicates, let context):
      ConfigError(
        .syntax, "duplicate key '\(escaped(duplicates.joined(separator: "', '")))'", file: file,
        place: "line \(context.mark.line)", rule: "each key stands once in its mapping")
    default: ConfigError(.syntax, "\(error)", file: file, rule: "a recipe is YAML")
    }
  }

  private mutating func convert(_ node: Node, _ path: String, depth: Int) throws(ConfigError)
    -> JSONValue
  {
    nodes += 1
    guard nodes <= Self.mostNodes, depth <= Self.deepest else {
      throw ConfigError(
        .syntax, "the recipe is too large or nested too deeply", file: file,
        rule: "at most \(Self.mostNodes) values, \(Self.deepest) levels")
    }
    if let mark = node.mark, lines[path] == nil { lines[path] = mark.line }
    switch node {
    case .scalar(let scalar): return Self.value(scalar)
    case .sequence(let sequence):
      var list: [JSONValue] = []
      for (index, child) in sequence.enumerated() {
        list.append(try convert(child, "\(path)[\(index)]", depth: depth + 1))
      }
      return .array(list)
    case .mapping(let mapping):
      var object = JSONObject()
      for (key, child) in mapping {
        guard let name = key.string else {
          throw ConfigError(
            .syntax, "a key that is no text", file: file,
            place: key.mark.map { "line \($0.line)" })
        }
        let place = path.isEmpty ? name : path + "." + name
        if let mark = key.mark { lines[place] = mark.line }
        object[name] = try convert(child, place, depth: depth + 1)
      }
      return .object(object)
    case .alias:
      throw ConfigError(.syntax, "an alias without its anchor", file: file)
    }
  }

  private static func value(_ scalar: Node.Scalar) -> JSONValue {
    let text = scalar.string
    guard scalar.style == .plain || scalar.style == .any else { return .string(text) }
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: break
    }
    let digits = text.filter { $0 != "_" }
    if let integer = Int(digits) { return .integer(integer) }
    // Swift also reads "nan", "inf" and hexadecimal numbers, which are texts here.
    let isDecimal = digits.utf8.allSatisfy { byte in
      (48...57).contains(byte) || [43, 45, 46, 69, 101].contains(byte)
    }
    if isDecimal, let number = Double(digits) { return .number(number) }
    return .string(text)
  }

  /// Sets the value at a dotted path, from `path=value`.
  mutating func apply(_ override: String) throws(ConfigError) {
    guard let equals = override.firstIndex(of: "="), equals != override.startIndex else {
      throw ConfigError(
        .usage, "'\(escaped(override))' is no override", place: "--set",
        rule: "path=value, such as training.steps=100")
    }
    let path = String(override[..<equals])
    let keys = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard keys.count <= Self.deepest, !keys.contains("") else {
      throw ConfigError(
        .usage, "'\(escaped(path))' is no path of an option", place: "--set",
        rule: "names joined by dots, such as training.steps")
    }
    let text = String(override[override.index(after: equals)...])
    try Self.refuseReferences(text, "--set \(path)")
    let node = try Self.compose(text, "--set \(path)")
    var part = self
    let new = if let node { try part.convert(node, path, depth: 0) } else { JSONValue.null }
    lines = lines.filter { $0.key != path && !$0.key.hasPrefix(path + ".") }
    value = try Self.setting(value, keys[...], new, path)
  }

  /// Gives a mapping a value for a key that it lacks; does nothing where there is no mapping.
  mutating func addDefault(_ text: String, for key: String, in path: [String]) {
    let found = path.reduce(Optional(value)) { $0?[$1] }
    guard let mapping = found?.objectValue, mapping[key] == nil else { return }
    let keys = path + [key]
    if let set = try? Self.setting(value, keys[...], .string(text), key) { value = set }
  }

  private static func setting(
    _ tree: JSONValue, _ keys: ArraySlice<String>, _ new: JSONValue, _ path: String
  ) throws(ConfigError) -> JSONValue {
    guard let key = keys.first else { return new }
    guard var object = tree.isNull ? JSONObject() : tree.objectValue else {
      throw ConfigError(
        .usage, "there is no mapping to set '\(escaped(key))' in", place: "--set \(path)")
    }
    object[key] = try setting(object[key] ?? .null, keys.dropFirst(), new, path)
    return .object(object)
  }

  /// A value as YAML text.
  static func text(_ json: JSONValue) -> String {
    let text = try? Yams.serialize(node: node(json), sortKeys: false)
    return text ?? ""
  }

  private static func node(_ json: JSONValue) -> Node {
    switch json {
    case .null: Node("null", Tag(.null))
    case .bool(let value): Node(value ? "true" : "false", Tag(.bool))
    case .integer(let value): Node("\(value)", Tag(.int))
    case .number(let value): Node("\(value)", Tag(.float))
    case .string(let value): .scalar(.init(value, Tag(.str), .doubleQuoted))
    case .array(let values): Node(values.map(node), Tag(.seq), values.isEmpty ? .flow : .block)
    case .object(let object): Node(object.map { (Node($0.key), node($0.value)) }, Tag(.map))
    }
  }
}
