public import VerdantNN

/// Changes a model by its gradients. State is kept by parameter name.
public protocol Optimizer: Sendable {
  /// The name in recipes.
  static var kind: String { get }
  /// One step.
  ///
  /// - Parameters:
  ///   - model: Changed in place; no parameter is copied when the model is its only owner.
  ///   - gradients: By parameter name; parameters without one stay.
  ///   - rate: The learning rate of this step.
  ///   - gradientScale: Multiplies the gradients: the clipping factor.
  mutating func update(
    _ model: inout some Module, _ gradients: Gradients, rate: Double, gradientScale: Double)
}
