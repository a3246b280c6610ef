import VerdantBase
import VerdantCore
import VerdantIO
import VerdantNN

/// Fills a model with the tensors of a folder, by the names of a table.
struct WeightLoader {
  private let files: WeightFiles
  private let table: NameTable
  private let unusedPatterns: [String]
  /// The names that the table knows them by, with those that they have in the files.
  private var stored: [String: String] = [:]
  private(set) var report = LoadReport()

  /// Takes the files of a folder in this package's own form.
  init(_ files: WeightFiles, _ model: Transformer) {
    self.files = files
    var table = NameTable()
    model.forEachParameter { name, _ in table.add(name, as: name) }
    self.table = table
    unusedPatterns = []
    for name in files.entries.keys { stored[name] = name }
    report.notices = files.notices
  }

  /// Takes the files of a folder in the form of a family.
  init(_ files: WeightFiles, _ family: any ModelFamily.Type, _ config: ModelConfig)
    throws(CheckpointError)
  {
    self.files = files
    table = family.names(config)
    unusedPatterns = family.unused
    report.family = family.modelType
    report.notices = files.notices
    let prefix = family.prefix
    // A base model's file has the names of its parts alone.
    let isBare = !prefix.isEmpty && !files.entries.keys.contains { $0.hasPrefix(prefix) }
    let heads = Set(table.rules.flatMap(\.foreign).filter { !$0.hasPrefix(prefix) })
    for name in files.entries.keys.sorted() {
      var known = Self.modern(name)
      if isBare, !heads.contains(known) { known = prefix + known }
      if let other = stored[known] {
        throw CheckpointError(
          .duplicateName, "two tensors with one meaning", file: files.path,
          place: "tensor \"\(escaped(name))\"", rule: "the other is \"\(escaped(other))\"")
      }
      stored[known] = name
    }
  }

  /// The names of normalizations in old files have their letters in the papers.
  private static func modern(_ name: String) -> String {
    if name.hasSuffix(".gamma") { return name.dropLast(5) + "weight" }
    if name.hasSuffix(".beta") { return name.dropLast(4) + "bias" }
    return name
  }

  /// The model with its weights.
  ///
  /// - Throws: ``CheckpointError`` with all tensors that are missing, unexpected or misshapen, and
  ///   the nearest names.
  mutating func load(_ config: ModelConfig) throws -> Transformer {
    // The weights come from the files: shapes are all that is needed of the initial ones.
    var model = try Transformer(config, random: RandomSource(seed: 0), on: ShapeBackend())
    let plan = try plan(model)
    let bytes = model.parameters.reduce(0.0) { $0 + Double($1.parameter.value.byteCount) }
    try MemoryNeed.check(bytes, for: "the model")
    var values: [String: Tensor] = [:]
    for step in plan {
      let tensor = try files.tensor(step.stored)
      let parts = step.rule.parameters(in: tensor, step.shapes)
      for (name, part) in zip(step.rule.own, parts) { values[name] = part }
    }
    report.loaded = plan.count
    model.updateParameters { name, parameter in
      guard let value = values.removeValue(forKey: name) else {
        trap("[model-folder] no name for the parameter \(name) in \(report.family ?? "its form")")
      }
      parameter.value = value
    }
    return model
  }

  private struct Step {
    let rule: NameTable.Rule
    let shapes: [Shape]
    let stored: String
  }

  /// Which stored tensor gives which parameters.
  private mutating func plan(_ model: Transformer) throws(CheckpointError) -> [Step] {
    var shapes: [String: Shape] = [:]
    model.forEachParameter { shapes[$0] = $1.value.shape }
    var needs: [Need] = []
    var steps: [Step] = []
    for rule in table.rules {
      let own = rule.own.compactMap { shapes[$0] }
      guard own.count == rule.own.count else { continue }
      let name = rule.foreign.first { stored[$0] != nil }
      let key = name.flatMap { stored[$0] }
      needs.append(Need(name: name ?? rule.foreign[0], shape: rule.shape(own), key: key))
      if let key { steps.append(Step(rule: rule, shapes: own, stored: key)) }
    }
    let used = Set(needs.filter { $0.key != nil }.map(\.name))
    let rest = stored.keys.filter { !used.contains($0) }.sorted()
    let unexpected = rest.filter { name in
      !unusedPatterns.contains { PartPath(name).matches($0) }
    }
    report.unused = rest.filter { !unexpected.contains($0) }.compactMap { stored[$0] }
    if let error = CheckpointError(collecting: problems(needs, unexpected)) { throw error }
    return steps
  }

  /// A tensor that the model needs.
  private struct Need {
    let name: String
    let shape: Shape
    /// Its name in the files; nil when it is missing.
    let key: String?
  }

  /// Names are compared for that many tensors alone: a file may have a million.
  private static let mostHints = 64

  private func problems(_ needs: [Need], _ unexpected: [String]) -> [CheckpointError] {
    let candidates = unexpected.prefix(Self.mostHints)
    var hints = 0
    func near(_ name: String, _ others: some Sequence<String>) -> String? {
      hints += 1
      return hints > Self.mostHints ? nil : nearest(to: name, in: others)
    }
    var problems = needs.compactMap { need in
      need.key.map { problem(of: $0, need.shape) }
        ?? absent(need.name, need.shape, near(need.name, candidates).flatMap { stored[$0] })
    }
    hints = 0
    let missing = needs.filter { $0.key == nil }.map(\.name)
    let wanted = missing.isEmpty ? needs.map(\.name) : missing
    problems += unexpected.map { surplus(stored[$0] ?? $0, near($0, wanted)) }
    return problems
  }

  private func problem(of key: String, _ shape: Shape) -> CheckpointError? {
    guard let found = files.entries[key] else { return nil }
    let place = "tensor \"\(escaped(key))\""
    if found.entry.shape != Array(shape) {
      return CheckpointError(
        .misshapenTensor, "the tensor has shape \(found.entry.shape)", file: found.file.path,
        place: place, rule: "shape \(shape) expected")
    }
    if ![.f32, .f16, .bf16].contains(found.entry.dtype) {
      return CheckpointError(
        .unsupportedDType, "the tensor has elements of type \(found.entry.dtype.name)",
        file: found.file.path, place: place, rule: "parameters are F32, F16 or BF16")
    }
    return nil
  }

  private func absent(_ name: String, _ shape: Shape, _ near: String?) -> CheckpointError {
    CheckpointError(
      .missingTensors, "the tensor is missing", file: files.path,
      place: "tensor \"\(escaped(name))\"", rule: "shape \(shape) expected",
      advice: near.map { "the nearest name there is \"\(escaped($0))\"" })
  }

  private func surplus(_ name: String, _ near: String?) -> CheckpointError {
    CheckpointError(
      .unexpectedTensors, "the model has no such tensor", file: files.path,
      place: "tensor \"\(escaped(name))\"",
      advice: near.map { "the nearest name is \"\($0)\"" })
  }
}
