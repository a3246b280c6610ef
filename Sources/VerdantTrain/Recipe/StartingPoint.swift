import VerdantBase
import VerdantCore
import VerdantModels
import VerdantNN
import VerdantText

/// The model that a run goes on from.
struct StartingPoint {
  /// The folder.
  let path: String
  private let base: ModelConfig

  /// Reads the configuration of a recipe's model; nil when the recipe makes a new one.
  init?(_ recipe: Recipe) throws {
    guard let from = recipe.model.from else { return nil }
    path = ModelFolder.resolve(from)
    base = try ModelFolder.config(path)
  }

  /// The tokenizer: the recipe's when it names a file, else the model's.
  static func tokenizer(_ recipe: Recipe) throws -> any Tokenizer {
    guard let from = recipe.model.from, recipe.data.tokenizer == .bytes else {
      return try recipe.data.tokenizer.load()
    }
    return try ModelFolder.tokenizer(ModelFolder.resolve(from))
  }

  /// The configuration of the run's model: the base with the recipe's objective and structures.
  func config(_ recipe: Recipe, _ tokenizer: any Tokenizer, classes: Int) throws(ConfigError)
    -> ModelConfig
  {
    var config = base
    let objective = recipe.objectiveKind(of: base)
    guard recipe.model.context <= base.maximumLength else {
      throw ConfigError(
        .inconsistent, "sequences of \(recipe.model.context) tokens", place: "model.context",
        rule: "the model in \(path) reads \(base.maximumLength)")
    }
    config.structures = recipe.model.structures + base.structures
    let special = SpecialTokens(tokenizer, objective)
    config.vocabulary = max(base.vocabulary, special.vocabulary)
    guard objective != base.objective else {
      guard let known = base.classification?.classes, known != classes else { return config }
      config.classification?.classes = classes
      return config
    }
    guard objective == .classification, base.architecture != .encoderDecoder else {
      throw ConfigError(
        .inconsistent,
        "the objective '\(objective.rawValue)' from a model with '\(base.objective.rawValue)'",
        place: "model.from", rule: "the same objective, or classification by one stack")
    }
    config.objective = .classification
    config.classification = ClassificationConfig(
      classes: classes, pooling: recipe.objective.pooling, dropout: recipe.objective.dropout)
    config.head = .tied
    if recipe.data.fields.second != nil && config.embedding.segments < 2 {
      config.embedding.segments = 2
    }
    return config
  }

  /// Takes the weights of the base into a model with initial weights.
  ///
  /// - Throws: ``CheckpointError`` when a parameter that both have has another shape; ``ConfigError``
  ///   when the folder cannot be read.
  func load(into model: inout Transformer) throws {
    let given = try ModelFolder(path).model
    var values: [String: Tensor] = [:]
    given.forEachParameter { values[$0] = $1.value }
    var problems: [CheckpointError] = []
    let (was, now) = (base, model.config)
    model.updateParameters { name, parameter in
      guard let value = values.removeValue(forKey: name) else {
        if !Self.isNew(name) {
          problems.append(
            CheckpointError(
              .missingTensors, "the model to go on from has no such parameter", file: path,
              place: "parameter \"\(name)\""))
        }
        return
      }
      if value.shape == parameter.value.shape {
        parameter.value = value
      } else if let grown = Self.grown(value, parameter.value) {
        parameter.value = grown
      } else if !(name.hasPrefix("classifier.") && was.classification != now.classification) {
        problems.append(
          CheckpointError(
            .misshapenTensor, "the parameter has shape \(value.shape)", file: path,
            place: "parameter \"\(name)\"", rule: "shape \(parameter.value.shape) expected"))
      }
    }
    if let error = CheckpointError(collecting: problems) { throw error }
  }

  /// Whether a parameter may begin with initial values.
  private static func isNew(_ name: String) -> Bool {
    name.hasPrefix("classifier.") || name == "embedding.segments" || name.hasSuffix(".loraDown")
      || name.hasSuffix(".loraUp")
  }

  /// A table with new rows behind those that it had; nil when it is no such table.
  private static func grown(_ value: Tensor, _ initial: Tensor) -> Tensor? {
    guard value.shape.rank == 2, initial.shape.rank == 2, value.shape[1] == initial.shape[1],
      value.shape[0] < initial.shape[0]
    else { return nil }
    return Tensor.concatenated([value, initial[value.shape[0]..<initial.shape[0]]])
  }
}
