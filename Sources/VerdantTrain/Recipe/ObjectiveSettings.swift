public import VerdantBase
import VerdantModels
public import VerdantNN
public import VerdantText

/// The section `objective` of a recipe: what the model learns from its data.
public struct ObjectiveSettings: Knobs {
  /// The objective; nil for the one that architecture and records lead to.
  public var kind: ModelConfig.Objective?
  /// The share of the tokens that a masked language model predicts.
  public var maskRate = 0.15
  /// The share of those that become the mask.
  public var maskShare = 0.8
  /// The share of those that become a random token.
  public var randomShare = 0.1
  /// The share of the tokens that span corruption hides.
  public var spanDensity = 0.15
  /// The mean length of a hidden span, in tokens.
  public var meanSpan = 3.0
  /// How a classifier pools the vectors of a sequence.
  public var pooling = Pooling.mean
  /// Dropout of a classifier's pooled vector in training.
  public var dropout = 0.0

  /// The defaults.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<ObjectiveSettings>] {
    [
      Knob(
        "kind", \.kind,
        "what is learnt; null for classification of labeled records, else causal-lm, masked-lm or "
          + "span-corruption for a decoder, an encoder or both"),
      Knob("mask_rate", \.maskRate, 0.001...0.999, "masked-lm: share of the tokens predicted"),
      Knob("mask_share", \.maskShare, 0...1, "masked-lm: share of those that become the mask"),
      Knob(
        "random_share", \.randomShare, 0...1, "masked-lm: share of those that become another token"),
      Knob(
        "span_density", \.spanDensity, 0.001...0.999,
        "span-corruption: share of the tokens hidden"),
      Knob("mean_span", \.meanSpan, 1...1024, "span-corruption: mean tokens of a hidden span"),
      Knob(
        "pooling", \.pooling, "classification: how the vectors of a sequence become one"),
      Knob("dropout", \.dropout, 0...0.99, "classification: dropout of that vector in training"),
    ]
  }

  func check(_ reader: inout SettingsReader) {
    if maskShare + randomShare > 1 {
      reader.report(
        .inconsistent, "mask_share and random_share are \(maskShare + randomShare) together",
        at: "objective", rule: "1 at most")
    }
  }
}

extension Recipe {
  /// What the model learns.
  public var objectiveKind: ModelConfig.Objective {
    if let kind = objective.kind { return kind }
    if data.records == .labeled || data.records == .image { return .classification }
    switch model.architecture {
    case .decoder: return .causalLanguageModel
    case .encoder: return .maskedLanguageModel
    case .encoderDecoder: return .spanCorruption
    }
  }

  /// The configuration of the model.
  ///
  /// - Parameter classes: Labels of the data; 2 while they are not known.
  public func modelConfig(_ tokenizer: any Tokenizer, classes: Int = 2) -> ModelConfig {
    let special = SpecialTokens(tokenizer, objectiveKind)
    var config = model.config(vocabulary: special.vocabulary)
    config.objective = objectiveKind
    if objectiveKind == .classification {
      config.classification = ClassificationConfig(
        classes: classes, pooling: objective.pooling, dropout: objective.dropout)
      if data.records == .image {
        config.input = .patches
        config.patches = imagePatches
      } else if data.fields.second != nil {
        config.embedding.segments = 2
      }
    }
    return config
  }

  /// How images are cut.
  var imagePatches: PatchConfig {
    PatchConfig(
      height: LabeledImages.side, width: LabeledImages.side, channels: LabeledImages.channels,
      size: model.patch)
  }

  private func checkImages(_ reader: inout SettingsReader) {
    guard model.architecture == .encoder else {
      reader.report(
        .inconsistent, "images for the architecture '\(model.architecture.rawValue)'",
        at: "model.architecture", rule: "an encoder reads images")
      return
    }
    do throws(ConfigError) {
      try imagePatches.check(maximumLength: model.context, pooling: objective.pooling)
    } catch {
      reader.report(
        .inconsistent, error.report.what,
        at: LabeledImages.side % model.patch == 0 ? "model.context" : "model.patch",
        rule: "patches divide 32 x 32 pixels, and the context has a place for each")
    }
  }

  func checkObjective(_ reader: inout SettingsReader) {
    objective.check(&reader)
    let fits: [ModelConfig.Objective]
    switch model.architecture {
    case .decoder: fits = [.causalLanguageModel, .classification]
    case .encoder: fits = [.maskedLanguageModel, .classification]
    case .encoderDecoder: fits = [.spanCorruption]
    }
    guard fits.contains(objectiveKind) else {
      reader.report(
        .inconsistent,
        "the objective '\(objectiveKind.rawValue)' for the architecture "
          + "'\(model.architecture.rawValue)'",
        at: "objective.kind", rule: "one of \(fits.map(\.rawValue).joined(separator: ", "))")
      return
    }
    let records: [DataSettings.RecordKind]
    switch objectiveKind {
    case .classification: records = [.labeled, .image]
    case .causalLanguageModel: records = [.text, .completion]
    case .maskedLanguageModel, .spanCorruption: records = [.text]
    }
    if !records.contains(data.records) {
      reader.report(
        .inconsistent,
        "records '\(data.records.rawValue)' for the objective '\(objectiveKind.rawValue)'",
        at: "data.records", rule: "one of \(records.map(\.rawValue).joined(separator: ", "))")
    }
    if objectiveKind == .classification {
      if data.records == .image { return checkImages(&reader) }
      if data.fields.label == nil {
        reader.report(
          .missingKey, "no field holds the label", at: "data.fields.label",
          rule: "classification needs the labels of the records")
      }
      if data.weights != nil {
        reader.report(
          .inconsistent, "weights for labeled records", at: "data.train",
          rule: "texts and completions can be mixed by weight")
      }
    }
  }
}
