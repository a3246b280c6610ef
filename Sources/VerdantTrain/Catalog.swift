public import VerdantBase
public import VerdantNN

/// The optimizers. A new one adds its line here; recipes, checks and the trainer read this list.
extension Catalog {
  /// Optimizers.
  public static let optimizers: [any Optimizer.Type] = [
    AdamW.self, SGD.self, Muon.self, LAMB.self,
  ]

  /// The optimizer of a recipe.
  ///
  /// - Throws: ``ConfigError`` for a kind that does not exist and for wrong options.
  public static func optimizer(_ spec: Spec, at path: PartPath) throws(ConfigError)
    -> any Optimizer
  {
    var reader = SettingsReader()
    let found = optimizer(spec, at: path.description, &reader)
    try reader.finish()
    guard let found else { trap("[optimizer] '\(spec.kind)' is missing and was not reported") }
    return found
  }

  /// The optimizer of a recipe; reports a kind that does not exist and wrong options.
  static func optimizer(_ spec: Spec, at path: String, _ reader: inout SettingsReader)
    -> (any Optimizer)?
  {
    guard let type = optimizers.first(where: { $0.kind == spec.kind }) else {
      reader.unknownName(
        spec.kind, known: optimizers.map { $0.kind }, at: reader.join(path, "kind"))
      return nil
    }
    return type.make(spec, at: path, &reader)
  }

  /// The optimizers that have an option.
  fileprivate static func optimizers(withOption name: String) -> [String] {
    optimizers.filter { $0.optionNames.contains(name) }.map { $0.kind }
  }
}

extension Optimizer {
  fileprivate static var optionNames: [String] { Options.knobs.map(\.name) }

  fileprivate static func make(_ spec: Spec, at path: String, _ reader: inout SettingsReader)
    -> Self
  {
    var own = JSONObject()
    for (key, value) in spec.options {
      let owners = optionNames.contains(key) ? [] : Catalog.optimizers(withOption: key)
      if owners.isEmpty {
        own[key] = value
      } else {
        // What was right for another optimizer is no slip of the pen.
        reader.report(
          .unknownKey, "\(kind) has no option '\(key)'", at: reader.join(path, key),
          rule: "options of \(kind): \(optionNames.joined(separator: ", "))",
          advice: "'\(key)' is an option of \(owners.joined(separator: ", "))")
      }
    }
    var options = Options()
    options.update(from: own, at: path, &reader)
    return Self(options)
  }

  /// The kind with all options.
  var spec: Spec { Spec(Self.kind, options) }
}
