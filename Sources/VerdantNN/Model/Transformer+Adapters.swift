public import VerdantBase
import VerdantCore

extension Transformer {
  /// The same function without corrections: each map with a ``LoRA`` becomes one dense matrix.
  ///
  /// - Throws: ``ConfigError`` when the model has no correction.
  public func mergingAdapters() throws(ConfigError) -> Transformer {
    var finder = AdapterMatrices()
    var copy = self
    copy.visit(&finder)
    guard !finder.found.isEmpty else {
      throw ConfigError(
        .unsupported, "the model has no adapter", place: "structures",
        rule: "a map of the kind '\(LoRA.kind)'")
    }
    var plain = config
    plain.structures.removeAll { $0.structure.kind == LoRA.kind }
    var merged = try Transformer(plain, random: RandomSource(seed: 0), on: ShapeBackend())
    var values: [String: Parameter] = [:]
    forEachParameter { values[$0] = $1 }
    merged.updateParameters { name, parameter in
      guard let own = values[name] else {
        trap("[adapters] the merged model has \(name), the model has not")
      }
      parameter.value = finder.found[name] ?? own.value
    }
    return merged
  }

  /// Sets which parameters training changes.
  ///
  /// - Parameter patterns: Of parameter names, `*` for one part and `**` for any number; nil leaves
  ///   all as they are.
  /// - Throws: ``ConfigError`` for a pattern that matches nothing.
  public mutating func train(only patterns: [String]?) throws(ConfigError) {
    guard let patterns else { return }
    var matched = Set<Int>()
    var names: [String] = []
    updateParameters { name, parameter in
      names.append(name)
      let path = PartPath(name)
      let found = patterns.indices.filter { path.matches(patterns[$0]) }
      matched.formUnion(found)
      parameter.isTrainable = !found.isEmpty && parameter.role != .buffer
    }
    if let wrong = patterns.indices.first(where: { !matched.contains($0) }) {
      throw ConfigError(
        .inconsistent, "the pattern '\(escaped(patterns[wrong]))' matches no parameter",
        place: "training.trainable[\(wrong)]",
        rule: "parameters are \(names.prefix(6).joined(separator: ", ")), …",
        advice: nearest(to: patterns[wrong], in: names).map { "the nearest is '\($0)'" })
    }
  }
}

/// The matrices of all maps with a correction, by the name of their weight.
private struct AdapterMatrices: Visitor {
  var path = PartPath()
  var found: [String: Tensor] = [:]

  mutating func parameter(_ name: String, _ parameter: inout Parameter) {}
  mutating func linear(_ name: String, _ part: inout any LinearMap) {
    if let lora = part as? LoRA {
      found["\(path.appending(name)).weight"] = lora.matrix()
    } else {
      inside(name) { part.visit(&$0) }
    }
  }
}
