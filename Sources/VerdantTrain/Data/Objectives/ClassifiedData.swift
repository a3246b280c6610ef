import VerdantBase
import VerdantModels
import VerdantNN
import VerdantText

/// The labeled texts of a run: those of training, and those set aside or given for evaluation.
struct ClassifiedData: Sendable {
  /// The classes.
  let labels: LabelTable
  /// The samples of training, rows of similar length together.
  let training: LabeledBatches
  /// Those for evaluation, in an order of their own; nil when there are none.
  let validation: LabeledBatches?
  /// Files and what was left out.
  let documents: TextDocuments

  /// Reads what a recipe names.
  init(_ recipe: Recipe, _ tokenizer: any Tokenizer, _ random: RandomSource) throws(DataError) {
    let settings = recipe.data
    let options = settings.recordOptions
    var read = try LabeledTexts(settings.train, options)
    labels = read.labels
    guard labels.count >= 2 else {
      throw DataError(
        .tooShort, "the data has \(labels.count == 1 ? "one label" : "no label")",
        file: settings.train.joined(separator: ", "), rule: "two labels at least",
        advice: "data.fields.label names the field; its value is that of the records")
    }
    var lines = read.badLines
    var held: LabeledTexts?
    if let paths = settings.validation {
      let found = try LabeledTexts(paths, options, labels: labels)
      lines.add(found.badLines)
      held = found
    } else {
      let parts = read.split(validation: settings.validationFraction, random)
      read = parts.training
      held = parts.validation
    }
    let layout = TextLayout(
      tokenizer, pooling: recipe.objective.pooling, maximumLength: recipe.model.context)
    let buckets = LabeledBatches.Buckets(batch: recipe.training.batch)
    training = try LabeledBatches(read, tokenizer, layout, buckets: buckets, random)
    validation = try held.map { held throws(DataError) in
      try LabeledBatches(held, tokenizer, layout, buckets: buckets, random.stream("held out"))
    }
    documents = TextDocuments(
      files: read.files, skippedFiles: read.skippedFiles, badLines: lines)
  }
}

extension LabeledTexts {
  /// Sets a share of the examples aside: at least one where there are two; nil for none.
  func split(validation fraction: Double, _ random: RandomSource) -> (
    training: LabeledTexts, validation: LabeledTexts?
  ) {
    guard fraction > 0, examples.count >= 2 else { return (self, nil) }
    let order = Permutation(examples.count, random.stream("validation split"))
    let held = Set((0..<max(1, Int(Double(examples.count) * fraction))).map { order[$0] })
    return (
      with(examples.indices.filter { !held.contains($0) }.map { examples[$0] }),
      with(examples.indices.filter { held.contains($0) }.map { examples[$0] })
    )
  }
}
