/// What was found beside the tensors of a model.
public struct LoadReport: Sendable, Equatable {
  /// The family whose form the folder has; nil for this package's own.
  public internal(set) var family: String?
  /// Tensors that were read.
  public internal(set) var loaded = 0
  /// Tensors that no output of the model depends on, sorted.
  public internal(set) var unused: [String] = []
  /// What is odd but does no harm.
  public internal(set) var notices: [String] = []
}
