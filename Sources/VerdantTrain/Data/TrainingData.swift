import VerdantBase
import VerdantNN
import VerdantText

/// The data of a run: read, split, turned into tokens, mixed, and put in the order of training.
struct TrainingData: Sendable {
  /// The files, and what was left out.
  let documents: TextDocuments
  /// The training tokens.
  let training: any TokenSequence
  /// The validation tokens; nil when there are none.
  let validation: (any TokenSequence)?
  /// The batches of training.
  let source: any BatchSource

  private let heldCompletions: CompletionRows?

  /// Reads what a recipe names.
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
      switch settings.records {
      case .text:
        let read = try DataPart.documents(paths, settings, tokenizer)
        held = [read.tokens]
        badLines.append(read.documents.badLines)
      case .completion:
        let read = try Completions(paths, settings.recordOptions)
        completions = read.examples
        badLines.append(read.badLines)
      }
    }
    documents = TextDocuments(joining: parts.map(\.documents), badLines)
    training = parts.count == 1 ? parts[0].training : JoinedTokens(parts.map(\.training))
    switch settings.records {
    case .text:
      let joined: any TokenSequence = held.count == 1 ? held[0] : JoinedTokens(held)
      validation = joined.count >= 2 ? joined : nil
      heldCompletions = nil
    case .completion:
      heldCompletions =
        completions.isEmpty
        ? nil
        : try CompletionRows(completions, tokenizer, length: recipe.model.context, random)
      validation = heldCompletions?.stream
    }
    let mixed: any BatchSource
    if let weights = settings.weights {
      mixed = try MixedBatches(parts.map(\.source), weights: weights, random)
    } else {
      mixed = parts[0].source
    }
    source = settings.prefetch > 0 ? PrefetchedBatches(mixed, depth: settings.prefetch) : mixed
  }

  /// Evaluates a model on the validation data, if there is any.
  ///
  /// - Parameters:
  ///   - limit: Windows or examples at most; nil for all.
  ///   - isStopped: True before a batch ends the evaluation without a result.
  func evaluate(_ model: Transformer, batch: Int, limit: Int?, unless isStopped: () -> Bool)
    throws(DataError) -> Evaluation?
  {
    if let heldCompletions {
      return try Evaluation(
        model, heldCompletions, batch: batch, limit: limit, unless: isStopped)
    }
    guard let validation else { return nil }
    return try Evaluation(model, validation, batch: batch, limit: limit, unless: isStopped)
  }
}
