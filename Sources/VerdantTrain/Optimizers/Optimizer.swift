public import VerdantBase
import VerdantCore
public import VerdantNN

/// Changes a model by its gradients. A new optimizer adds its line to the list in `Catalog.swift`
/// of this target.
public protocol Optimizer: Sendable {
  /// The settings beside the kind.
  associatedtype Options: Knobs
  /// The name in recipes.
  static var kind: String { get }
  /// An optimizer that has done no step.
  init(_ options: Options)
  /// The settings.
  var options: Options { get }
  /// What it remembers between steps; set to go on from a checkpoint.
  var state: OptimizerState { get set }
  /// The names of the tensors that it keeps for a parameter; a checkpoint has no others.
  static var slots: [String] { get }
  /// Tensors of a parameter's size that it keeps for every parameter at least.
  var tensorsPerParameter: Int { get }
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

extension Module {
  /// Calls `body` with each parameter that is trained and its gradient, in place.
  mutating func update(
    by gradients: Gradients, _ body: (String, inout Parameter, Tensor) -> Void
  ) {
    updateParameters { name, parameter in
      guard parameter.isTrainable, let gradient = gradients[name] else { return }
      body(name, &parameter, gradient)
    }
  }
}
