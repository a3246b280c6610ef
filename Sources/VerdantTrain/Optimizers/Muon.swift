public import VerdantBase
public import VerdantCore
public import VerdantNN

/// Muon for the matrices of linear maps: momentum whose singular values are all brought near one
/// (Jordan 2024, "Muon: An optimizer for hidden layers in neural networks"). Embeddings with the
/// output map tied to them, norms and biases are trained by AdamW.
public struct Muon: Optimizer {
  /// The name in recipes.
  public static let kind = "muon"

  /// The settings.
  public struct Options: MomentOptions {
    /// Decay of the mean gradient.
    public var momentum = 0.95
    /// True to orthogonalize the mean one step ahead.
    public var nesterov = true
    /// Steps of the Newton-Schulz iteration.
    public var iterations = 5
    /// How long a step is for a matrix of some shape. The default keeps a rate tuned for AdamW
    /// right, for the matrices and for the rest.
    public var scale = MuonUpdate.Scale.matchAdamW
    /// Decay of matrices of linear maps; embeddings, norms and biases have none.
    public var weightDecay = 0.1
    /// The rate of AdamW over the learning rate.
    public var adamWRate = 1.0
    /// Decay of AdamW's first moment.
    public var beta1 = 0.9
    /// Decay of AdamW's second moment.
    public var beta2 = 0.95
    /// Added to the root of AdamW's second moment.
    public var epsilon = 1e-8
    /// The defaults.
    public init() {}
    /// The declared options.
    public static var knobs: [Knob<Options>] {
      [
        Knob("momentum", \.momentum, 0...0.999999, "decay of the mean gradient"),
        Knob("nesterov", \.nesterov, "orthogonalize the mean one step ahead"),
        Knob("iterations", \.iterations, 1...20, "steps of the Newton-Schulz iteration"),
        Knob("scale", \.scale, "length of a step by a matrix's shape"),
        Knob("weight_decay", \.weightDecay, 0...10, "decay of the matrices of linear maps"),
        Knob(
          "adamw_rate", \.adamWRate, 0...1e3,
          "what the learning rate is multiplied by for embeddings, norms and biases, which AdamW "
            + "trains"),
      ] + momentKnobs(of: "AdamW's")
    }
  }

  /// The settings.
  public let options: Options
  /// Steps, the mean gradient of matrices and both moments of other parameters.
  public var state = OptimizerState()
  /// The mean gradient of matrices, both moments of the rest.
  public static let slots = ["mean", "first", "second"]
  /// One mean gradient at least.
  public var tensorsPerParameter: Int { 1 }

  /// An optimizer that has done no step.
  public init(_ options: Options = Options()) { self.options = options }

  /// One step.
  public mutating func update(
    _ model: inout some Module, _ gradients: Gradients, rate: Double, gradientScale: Double
  ) {
    state.steps += 1
    let matrices = MuonUpdate(
      rate: rate, momentum: options.momentum, nesterov: options.nesterov,
      iterations: options.iterations, scale: options.scale, decay: options.weightDecay,
      gradientScale: gradientScale)
    var others = options.update(
      step: state.steps, rate: rate * options.adamWRate, gradientScale: gradientScale)
    model.update(by: gradients) { name, parameter, gradient in
      if parameter.role == .weight && parameter.value.shape.rank == 2 {
        var mean = state.take("mean", of: name, like: parameter)
        matrices.apply(to: &parameter.value, gradient, mean: &mean)
        state.put(mean, "mean", of: name)
      } else {
        others.decay = parameter.role == .weight ? options.weightDecay : 0
        var (first, second) = state.takeMoments(of: name, like: parameter)
        others.apply(to: &parameter.value, gradient, first: &first, second: &second)
        state.putMoments(first, second, of: name)
      }
    }
  }
}
