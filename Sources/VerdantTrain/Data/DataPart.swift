import VerdantBase
import VerdantText

/// The training data of some paths, with its own order of samples.
struct DataPart: Sendable {
  /// The files, and what was left out.
  let documents: TextDocuments
  /// The training tokens.
  let training: any TokenSequence
  /// What was set aside of them.
  let validation: (any TokenSequence)?
  /// What was set aside of prompts with completions.
  let heldExamples: [Completions.Example]
  /// The samples, shuffled.
  let source: any BatchSource

  /// Reads paths as a recipe says, and sets its share aside.
  init(
    _ paths: [String], _ recipe: Recipe, _ tokenizer: any Tokenizer, _ random: RandomSource
  ) throws(DataError) {
    let settings = recipe.data
    let fraction = settings.validation == nil ? settings.validationFraction : 0
    let length = recipe.model.context
    switch settings.records {
    case .completion:
      let read = try Completions(paths, settings.recordOptions)
      let parts = CompletionRows.split(read.examples, validation: fraction, random)
      let rows = try CompletionRows(parts.training, tokenizer, length: length, random)
      documents = read.documents
      training = rows.stream
      validation = nil
      heldExamples = parts.validation
      source = rows
    case .text, .labeled, .image:
      let read = try Self.text(paths, settings, tokenizer, fraction, random)
      documents = read.documents
      training = read.training
      validation = read.validation
      heldExamples = []
      source = try TokenWindows(
        read.training, length: length, random, file: paths.joined(separator: ", "))
    }
  }

  /// The tokens of documents, all together.
  static func documents(
    _ paths: [String], _ settings: DataSettings, _ tokenizer: any Tokenizer
  ) throws(DataError) -> (documents: TextDocuments, tokens: any TokenSequence) {
    let read = try text(paths, settings, tokenizer, 0, RandomSource(seed: 0))
    return (read.documents, read.training)
  }

  private static func text(
    _ paths: [String], _ settings: DataSettings, _ tokenizer: any Tokenizer, _ fraction: Double,
    _ random: RandomSource
  ) throws(DataError) -> (
    documents: TextDocuments, training: any TokenSequence, validation: any TokenSequence
  ) {
    var cache: TokenCache?
    if let folder = settings.cache {
      cache = try TokenCache(folder, paths, settings, tokenizer, validation: fraction, random)
    }
    if let kept = cache?.load() { return (kept.documents, kept.training, kept.validation) }
    let read = try TextDocuments(paths, settings.recordOptions)
    let parts = TokenStream.split(read.documents, validation: fraction, random)
    let training = TokenStream(parts.training, tokenizer)
    let validation = TokenStream(parts.validation, tokenizer)
    try cache?.save(training, validation, read)
    // What was written is mapped at once, so that the first run is like the later ones.
    if let kept = cache?.load() { return (kept.documents, kept.training, kept.validation) }
    return (read.withoutContent, training, validation)
  }
}

extension TextDocuments {
  /// The names and counts alone: the text is in the tokens.
  var withoutContent: TextDocuments {
    TextDocuments(files: files, skippedFiles: skippedFiles, badLines: badLines)
  }

  /// The names of several readings.
  init(joining parts: [TextDocuments], _ counts: [BadLines]) {
    var lines = BadLines()
    for count in counts { lines.add(count) }
    self.init(
      files: parts.flatMap(\.files), skippedFiles: parts.flatMap(\.skippedFiles), badLines: lines)
  }
}

extension Completions {
  /// The names and counts of the files.
  var documents: TextDocuments {
    TextDocuments(files: files, skippedFiles: skippedFiles, badLines: badLines)
  }
}
