public import VerdantBase
public import VerdantCore

/// The output side of a classifier.
public struct ClassificationConfig: Knobs {
  /// Classes.
  public var classes = 2
  /// How the vectors of a sequence become one.
  public var pooling = Pooling.mean
  /// Dropout of the pooled vector in training.
  public var dropout = 0.0
  /// The nonlinearity of a map of the pooled vector before the output; nil for no such map (BERT has
  /// one with `tanh`).
  public var transform: Activation?
  /// True when the classes have a bias.
  public var bias = true

  /// Two classes of the mean vector.
  public init() {}
  /// A number of classes.
  public init(classes: Int, pooling: Pooling = .mean, dropout: Double = 0) {
    self.classes = classes
    self.pooling = pooling
    self.dropout = dropout
  }

  /// The declared options.
  public static var knobs: [Knob<ClassificationConfig>] {
    [
      Knob("classes", \.classes, 2...(1 << 20), "classes"),
      Knob("pooling", \.pooling, "how the vectors of a sequence become one"),
      Knob("dropout", \.dropout, 0...0.99, "dropout of the pooled vector in training"),
      Knob(
        "transform", \.transform,
        "nonlinearity of a map of the pooled vector; null for no such map"),
      Knob("bias", \.bias, "whether the classes have a bias"),
    ]
  }
}
