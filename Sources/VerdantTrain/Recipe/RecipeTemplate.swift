import VerdantBase
import VerdantNN

/// The text of a recipe with every option: its default, what it is for and what would be right.
public enum RecipeTemplate {
  /// YAML that reads as the default recipe.
  public static var text: String {
    let defaults = Recipe()
    return [
      "# Every option with its default. Keep the lines you change; the others may go.",
      section("model", defaults.model),
      section("data", defaults.data),
      section("objective", defaults.objective),
      section("training", defaults.training, ["schedule": body(defaults.training.schedule, 4)]),
      section("distillation", defaults.distillation),
      section("evaluation", defaults.evaluation),
      section("checkpoint", defaults.checkpoint),
    ].joined(separator: "\n") + "\n"
  }

  private static func section<K: Knobs>(
    _ name: String, _ values: K, _ nested: [String: String] = [:]
  ) -> String {
    "\(name):\n" + body(values, 2, nested)
  }

  private static func body<K: Knobs>(
    _ values: K, _ indent: Int, _ nested: [String: String] = [:]
  ) -> String {
    let object = values.json.objectValue ?? JSONObject()
    let space = String(repeating: " ", count: indent)
    return K.knobs.map { knob in
      let comment = "# \(knob.help); \(knob.expectation)"
      if let inner = nested[knob.name] {
        return "\(space)\(knob.name):  # \(knob.help)\n\(inner)"
      }
      let setting = "\(space)\(knob.name): \(flow(object[knob.name] ?? .null))"
      let padding = String(repeating: " ", count: max(2, 32 - setting.count))
      return setting + padding + comment
    }.joined(separator: "\n")
  }

  private static func flow(_ json: JSONValue) -> String {
    switch json {
    case .object(let object):
      "{" + object.map { "\($0.key): \(flow($0.value))" }.joined(separator: ", ") + "}"
    case .array(let values): "[" + values.map(flow).joined(separator: ", ") + "]"
    case .string(let text): text
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .bool(let value): "\(value)"
    case .null: "null"
    }
  }
}
