public import VerdantBase
import VerdantCore
public import VerdantModels
public import VerdantNN
import VerdantText

extension Evaluation {
  /// Evaluates the model of a folder on files, with the loss it was trained for.
  ///
  /// - Parameters:
  ///   - records: What a record is; nil for text, and for a classifier's labeled texts.
  ///   - batch: Windows or records evaluated at once.
  ///   - seed: Of the masks of a masked model, and of the spans of an encoder–decoder.
  /// - Throws: ``DataError`` when the data cannot be used, ``ConfigError`` for records that the model
  ///   cannot read.
  public init(
    _ folder: ModelFolder, _ paths: [String], records: DataSettings.RecordKind? = nil,
    _ options: RecordOptions = RecordOptions(), batch: Int, seed: UInt64 = 1
  ) throws {
    let (model, tokenizer) = (folder.model, folder.tokenizer)
    let objective = model.config.objective
    let wanted: [DataSettings.RecordKind] =
      switch objective {
      case .causalLanguageModel: [.text, .completion]
      case .maskedLanguageModel, .spanCorruption: [.text]
      case .classification: model.config.input == .patches ? [.image] : [.labeled]
      }
    let kind = records ?? wanted[0]
    guard wanted.contains(kind) else {
      throw ConfigError(
        .inconsistent,
        "records '\(kind.rawValue)' for a model with the objective '\(objective.rawValue)'",
        place: "records", rule: "one of \(wanted.map(\.rawValue).joined(separator: ", "))")
    }
    let random = RandomSource(seed: seed)
    let length = model.config.maximumLength
    switch kind {
    case .image:
      let images = try LabeledImages(paths, names: folder.labels)
      let size = LabeledImages.side
      guard let patches = model.config.patches, patches.height == size, patches.width == size,
        patches.channels == LabeledImages.channels
      else {
        throw ConfigError(
          .unsupported, "a model of other images", place: "patches",
          rule: "files hold \(size) x \(size) pixels in \(LabeledImages.channels) colours")
      }
      try self.init(model, samples: ImageBatches(images, patches, random), batch: batch)
    case .labeled:
      let read = try LabeledTexts(
        paths, options, labels: LabelTable(ordered: folder.labels ?? []))
      let layout = TextLayout(
        tokenizer, pooling: model.config.classification?.pooling ?? .mean, maximumLength: length)
      let rows = try LabeledBatches(
        read, tokenizer, layout, buckets: .init(batch: batch), random)
      let fits =
        rows.arePairs ? model.config.embedding.segments > 0 : !folder.wasTrainedOnPairs
      guard fits else {
        throw ConfigError(
          .inconsistent,
          rows.arePairs ? "pairs for a model of single texts" : "single texts for a model of pairs",
          place: "second",
          rule: rows.arePairs ? "no field for a second text" : "a field for the second text")
      }
      try self.init(model, samples: rows, batch: batch)
    case .completion:
      let read = try Completions(paths, options)
      let rows = try CompletionRows(read.examples, tokenizer, length: length, random)
      try self.init(model, rows, batch: batch)
    case .text:
      let documents = try TextDocuments(paths, options)
      let stream = TokenStream(documents.documents, tokenizer)
      guard objective != .causalLanguageModel else {
        try self.init(model, stream, batch: batch)
        return
      }
      let settings = folder.objectiveSettings
      if objective == .spanCorruption,
        let problem = settings.spans(
          SpecialTokens(tokenizer, objective), end: tokenizer.endOfDocument
        ).problem(length: length)
      {
        throw ConfigError(
          .inconsistent, problem.what, place: "maximum_length", rule: problem.rule)
      }
      let windows = try TokenWindows(
        stream, length: length, random, file: paths.joined(separator: ", "))
      let rows = RowObjective(settings, objective, tokenizer).rows(of: windows, random)
      try self.init(model, samples: rows, batch: batch)
    }
  }
}

extension ModelFolder {
  /// What the run that made the model learnt, with its shares; the defaults when that is not known.
  var objectiveSettings: ObjectiveSettings {
    var settings = ObjectiveSettings()
    var reader = SettingsReader()
    if let known = history.last?["recipe"]?["objective"]?.objectValue {
      settings.update(from: known, at: "", &reader)
    }
    return reader.problems.isEmpty ? settings : ObjectiveSettings()
  }
}
