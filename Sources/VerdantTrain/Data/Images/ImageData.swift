import VerdantBase

/// The images of a run: those of training, and those set aside or given for evaluation.
struct ImageData: Sendable {
  /// The classes.
  let labels: LabelTable
  /// The samples of training.
  let training: ImageBatches
  /// Those for evaluation; nil when there are none.
  let validation: ImageBatches?
  /// The files that were read.
  let files: [String]
  /// Files that hold no images.
  let skippedFiles: [String]

  /// Reads what a recipe names.
  init(_ recipe: Recipe, _ random: RandomSource) throws(DataError) {
    let settings = recipe.data
    let all = try LabeledImages(settings.train)
    guard all.names.count >= 2 else {
      throw DataError(
        .tooShort, "the data has one class", file: settings.train.joined(separator: ", "),
        rule: "two classes at least")
    }
    labels = LabelTable(ordered: all.names)
    files = all.files
    skippedFiles = all.skippedFiles
    var (seen, held): (LabeledImages, LabeledImages?) = (all, nil)
    if let paths = settings.validation {
      held = try LabeledImages(paths, names: all.names)
    } else {
      (seen, held) = all.split(validation: settings.validationFraction, random)
    }
    let patches = recipe.imagePatches
    training = ImageBatches(seen, patches, flips: settings.flipsImages, random)
    validation = held.map { ImageBatches($0, patches, random.stream("held out")) }
  }
}
