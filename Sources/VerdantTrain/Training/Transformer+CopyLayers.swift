import VerdantBase
import VerdantCore
import VerdantNN

extension Transformer {
  /// Takes tables and output of another model, and of its blocks for block ℓ of n the block
  /// `ceil(ℓ · m / n)` of m (Sanh et al. 2019 take every second one).
  ///
  /// - Throws: ``ConfigError`` when a parameter has another name or shape there.
  mutating func copyLayers(of teacher: Transformer) throws(ConfigError) {
    let given = Dictionary(
      uniqueKeysWithValues: teacher.parameters.map { ($0.name, $0.parameter.value) })
    let counts = [
      "blocks": (own: blocks.count, other: teacher.blocks.count),
      "encoder.blocks": (
        own: encoder?.blocks.count ?? 0, other: teacher.encoder?.blocks.count ?? 0
      ),
    ]
    var wrong: String?
    updateParameters { name, parameter in
      var source = name
      for (stack, count) in counts where name.hasPrefix(stack + ".") {
        let rest = name.dropFirst(stack.count + 1)
        let number = rest.prefix { $0 != "." }
        guard let index = Int(number), count.own > 0 else { continue }
        let layer = ((index + 1) * count.other + count.own - 1) / count.own - 1
        source = "\(stack).\(layer)\(rest.dropFirst(number.count))"
      }
      guard let value = given[source], value.shape == parameter.value.shape else {
        wrong = wrong ?? "\(name) \(parameter.value.shape)"
        return
      }
      parameter.value = value
    }
    if let wrong {
      throw ConfigError(
        .inconsistent, "the teacher has no such parameter: \(wrong)",
        place: "distillation.copy_layers",
        rule: "teacher and student differ in the number of layers alone")
    }
  }
}
