public import VerdantBase
import VerdantNN

/// The section `distillation` of a recipe: a teacher whose outputs are learnt besides the targets
/// (Hinton et al. 2015).
public struct DistillationSettings: Knobs {
  /// The folder of the teacher, a model or a run; nil for none.
  public var teacher: String?
  /// The share of the teacher's outputs in the loss; the rest is that of the targets.
  public var share = 0.5
  /// Divides the logits of both before they are compared.
  public var temperature = 2.0
  /// The weight of the difference between hidden vectors.
  public var hidden = 0.0
  /// The weight of the difference between attentions and between relations of values.
  public var relations = 0.0
  /// The heads of those; nil for the student's.
  public var relationHeads: Int?
  /// Whether the student begins with layers of the teacher.
  public var copiesLayers = false

  /// No teacher.
  public init() {}
  /// The declared options.
  public static var knobs: [Knob<DistillationSettings>] {
    [
      Knob("teacher", \.teacher, "folder of the teacher, a model or a run; null for none"),
      Knob("share", \.share, 0...1, "share of the teacher's outputs in the loss"),
      Knob("temperature", \.temperature, 0.01...1000, "divides the logits that are compared"),
      Knob(
        "hidden", \.hidden, 0...1e6,
        "weight of the cosine distance of hidden vectors; needs the teacher's width"),
      Knob(
        "relations", \.relations, 0...1e6,
        "weight of the divergence of attentions and of relations of values in the last layer"),
      Knob(
        "relation_heads", \.relationHeads, 1...65536,
        "heads of those; divides both widths; null for the student's"),
      Knob(
        "copy_layers", \.copiesLayers,
        "whether the student begins with every n-th layer of a teacher of its width"),
    ]
  }

  func check(_ recipe: Recipe, _ reader: inout SettingsReader) {
    guard let teacher else { return }
    if teacher.isEmpty {
      reader.report(
        .outOfRange, "no folder is named", at: "distillation.teacher",
        rule: "the folder of a model or a run; null for none")
    }
    if recipe.training.checkpointsActivations && relations > 0 {
      reader.report(
        .inconsistent, "relations with checkpointed blocks", at: "distillation.relations",
        rule: "queries, keys and values are kept: training.checkpoint_activations is false")
    }
  }
}
