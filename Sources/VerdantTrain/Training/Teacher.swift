import VerdantBase
import VerdantCore
import VerdantModels
import VerdantNN
import VerdantText

/// The model that a run learns from.
struct Teacher {
  /// The model.
  let model: Transformer
  /// Tells two teachers apart; no protection.
  let fingerprint: String

  /// Loads the teacher of a recipe; nil without one.
  ///
  /// - Throws: ``ConfigError`` when it reads other tokens or has other classes, ``CheckpointError``
  ///   when it cannot be read.
  init?(_ recipe: Recipe, _ tokenizer: any Tokenizer, labels: [String]?) throws {
    guard let path = recipe.distillation.teacher else { return nil }
    let folder = try ModelFolder(ModelFolder.resolve(path))
    guard labels == nil || folder.labels == labels else {
      throw ConfigError(
        .inconsistent, "the teacher's labels are \((folder.labels ?? []).prefix(20))", file: path,
        place: "distillation.teacher", rule: "those of the data, \((labels ?? []).prefix(20))")
    }
    guard
      recipe.data.records == .image || folder.tokenizer.fingerprint == tokenizer.fingerprint
    else {
      throw ConfigError(
        .inconsistent, "the teacher's tokenizer is another one", file: path,
        place: "distillation.teacher", rule: "the tokenizer of the student",
        advice: "data.tokenizer may name the teacher's folder")
    }
    model = folder.model
    var hash = TokenFingerprint()
    model.forEachParameter { name, parameter in
      hash.add(name.utf8.map(Int32.init))
      parameter.value.withUnsafeBytes { bytes in
        hash.add(bytes.bindMemory(to: Int32.self))
      }
    }
    fingerprint = "-\(hash)"
  }
}
