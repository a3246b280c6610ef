import VerdantBase
import VerdantNN
import VerdantText

/// The data of a run: read, split, turned into tokens, mixed, and put in the order of training.
struct TrainingData: Sendable {
  /// The files, and what was left out.
  let documents: TextDocuments
  /// The batches of training.
  let source: any BatchSource
  /// The classes of labeled records; nil for others.
  let labels: LabelTable?

  /// The training tokens.
  let training: any TokenSequence
  /// The validation tokens; nil when there are none.
  let validation: (any TokenSequence)?

  private enum Held: Sendable {
    case text(any TokenSequence)
    case completions(CompletionRows)
    case samples(any BatchSource)
  }

  private let held: Held?

  /// Reads what a recipe names.
  init(_ recipe: Recipe, _ tokenizer: any Tokenizer, _ random: RandomSource) throws(DataError) {
    let depth = recipe.data.prefetch
    func prefetched(_ source: any BatchSource) -> any BatchSource {
      depth > 0 ? PrefetchedBatches(source, depth: depth) : source
    }
    if recipe.data.records == .image {
      let data = try ImageData(recipe, random)
      documents = TextDocuments(
        files: data.files, skippedFiles: data.skippedFiles, badLines: BadLines())
      labels = data.labels
      source = prefetched(data.training)
      training = data.training.tokens
      validation = data.validation?.tokens
      held = data.validation.map { .samples($0) }
      return
    }
    if recipe.objectiveKind == .classification {
      let data = try ClassifiedData(recipe, tokenizer, random)
      documents = data.documents
      labels = data.labels
      source = prefetched(data.training)
      training = data.training.tokens
      validation = data.validation?.tokens
      held = data.validation.map { .samples($0) }
      return
    }
    labels = nil
    let read = try LanguageData(recipe, tokenizer, random)
    documents = read.documents
    training = read.training
    let objective = RowObjective(recipe.objective, recipe.objectiveKind, tokenizer)
    source = prefetched(objective.rows(of: read.source, random))
    if recipe.data.records == .completion {
      let rows = try read.heldCompletions.map { examples throws(DataError) in
        try CompletionRows(examples, tokenizer, length: recipe.model.context, random)
      }
      validation = rows?.stream
      held = rows.map { .completions($0) }
    } else if recipe.objectiveKind == .causalLanguageModel {
      validation = read.validation
      held = read.validation.map { .text($0) }
    } else {
      // Less than a window has nothing to evaluate.
      let own = random.stream("held out")
      let windows = read.validation.flatMap {
        try? TokenWindows($0, length: recipe.model.context, own)
      }
      validation = windows == nil ? nil : read.validation
      held = windows.map { .samples(objective.rows(of: $0, own)) }
    }
  }

  /// Tokens of a step on average, where rows have lengths of their own; nil where all are full.
  func tokensPerStep(_ recipe: Recipe) -> Int? {
    guard labels != nil else { return nil }
    let samples = recipe.training.batch * recipe.training.accumulation
    let mean = Double(training.count) / Double(source.sampleCount)
    return max(1, Int((mean * Double(samples)).rounded()))
  }

  /// Evaluates a model on the validation data, if there is any.
  ///
  /// - Parameters:
  ///   - limit: Windows or examples at most; nil for all.
  ///   - isStopped: True before a batch ends the evaluation without a result.
  func evaluate(_ model: Transformer, batch: Int, limit: Int?, unless isStopped: () -> Bool)
    throws(DataError) -> Evaluation?
  {
    switch held {
    case .text(let tokens):
      try Evaluation(model, tokens, batch: batch, limit: limit, unless: isStopped)
    case .completions(let rows):
      try Evaluation(model, rows, batch: batch, limit: limit, unless: isStopped)
    case .samples(let source):
      try Evaluation(model, samples: source, batch: batch, limit: limit, unless: isStopped)
    case nil: nil
    }
  }
}

/// Texts or completions as a recipe mixes them.
private struct LanguageData {
  let documents: TextDocuments
  let training: any TokenSequence
  let validation: (any TokenSequence)?
  let heldCompletions: [Completions.Example]?
  let source: any BatchSource

  init(_ recipe: Recipe, _ tokenizer: any Tokenizer, _ random: RandomSource) throws(DataError) {
    var parts: [DataPart] = []
    let settings = recipe.data
    if settings.weights == nil {
      parts = [try DataPart(settings.train, recipe, tokenizer, random)]
    } else {
      for (index, path) in settings.train.enumerated() {
        let own = random.stream("source").stream(index)
        parts.append(try DataPart([path], recipe, tokenizer, own))
      }
    }
    var held = parts.compactMap(\.validation)
    var badLines = parts.map(\.documents.badLines)
    var completions = parts.flatMap(\.heldExamples)
    if let paths = settings.validation {
      if settings.records == .completion {
        let read = try Completions(paths, settings.recordOptions)
        completions = read.examples
        badLines.append(read.badLines)
      } else {
        let read = try DataPart.documents(paths, settings, tokenizer)
        held = [read.tokens]
        badLines.append(read.documents.badLines)
      }
    }
    documents = TextDocuments(joining: parts.map(\.documents), badLines)
    training = parts.count == 1 ? parts[0].training : JoinedTokens(parts.map(\.training))
    let joined: any TokenSequence = held.count == 1 ? held[0] : JoinedTokens(held)
    validation = joined.count >= 2 ? joined : nil
    heldCompletions = completions.isEmpty ? nil : completions
    if let weights = settings.weights {
      source = try MixedBatches(parts.map(\.source), weights: weights, random)
    } else {
      source = parts[0].source
    }
  }
}
