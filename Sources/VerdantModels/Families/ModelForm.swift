public import VerdantBase
import VerdantNN

/// The form in which a model is written.
public enum ModelForm: Sendable, Equatable {
  /// This package's own, which every model has.
  case verdant
  /// That of the first family that can express the model, or else this package's own.
  case automatic
  /// That of a family.
  case family(String)

  /// The values of `model_type` of all families.
  public static var families: [String] { Catalog.families.map { $0.modelType } }

  /// A form by its name: `verdant`, `automatic` or a family.
  public init?(_ name: String) {
    switch name {
    case "verdant": self = .verdant
    case "automatic": self = .automatic
    default:
      guard Catalog.family(name) != nil else { return nil }
      self = .family(name)
    }
  }

  /// The family to write and its `config.json`; nil for this package's own form.
  ///
  /// - Parameter preferred: The family that a model came from.
  /// - Throws: ``ConfigError`` when the wanted family cannot express the model.
  func choose(_ config: ModelConfig, preferring preferred: String?) throws(ConfigError) -> (
    family: any ModelFamily.Type, json: JSONObject
  )? {
    switch self {
    case .verdant: return nil
    case .automatic:
      let first = preferred.flatMap { Catalog.family($0) }
      for family in [first].compactMap(\.self) + Catalog.families {
        if let json = family.expressed(config) { return (family, json) }
      }
      return nil
    case .family(let name):
      guard let family = Catalog.family(name) else {
        throw ConfigError(
          .outOfRange, "unknown family '\(escaped(name))'",
          rule: "one of \(Self.families.joined(separator: ", "))")
      }
      guard let json = family.expressed(config) else {
        let others = Catalog.families.filter { $0.expressed(config) != nil }.map { $0.modelType }
        throw ConfigError(
          .unsupported, "the family '\(name)' has no model like this one",
          rule: others.isEmpty
            ? "no family has" : "these families have: \(others.joined(separator: ", "))",
          advice: "the form 'verdant' can hold every model")
      }
      return (family, json)
    }
  }
}
