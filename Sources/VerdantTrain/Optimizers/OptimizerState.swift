public import VerdantCore
import VerdantNN

/// What an optimizer remembers between steps: the number of steps, and tensors by parameter name
/// and slot, such as the slot `first` of AdamW for its first moment.
public struct OptimizerState: Sendable {
  private struct Place: Hashable {
    let name: String
    let slot: String
  }

  /// Steps done.
  public var steps = 0
  private var tensors: [Place: Tensor] = [:]

  /// No steps and no tensors.
  public init() {}

  /// The tensor of a parameter in a slot; nil for one without.
  public subscript(name: String, slot: String) -> Tensor? {
    get { tensors[Place(name: name, slot: slot)] }
    set { tensors[Place(name: name, slot: slot)] = newValue }
  }

  /// Every tensor with its parameter's name and its slot, sorted by both.
  public var entries: [(name: String, slot: String, tensor: Tensor)] {
    tensors.map { (name: $0.key.name, slot: $0.key.slot, tensor: $0.value) }
      .sorted { ($0.name, $0.slot) < ($1.name, $1.slot) }
  }

  /// Removes and returns the tensor of a parameter in a slot, or zeros of the parameter's shape.
  ///
  /// The caller then is its only owner and writes it without a copy.
  mutating func take(_ slot: String, of name: String, like parameter: Parameter) -> Tensor {
    tensors.removeValue(forKey: Place(name: name, slot: slot))
      ?? .zeros(parameter.value.shape, on: parameter.value.backend)
  }

  /// Puts back what ``take(_:of:like:)`` gave.
  mutating func put(_ tensor: consuming Tensor, _ slot: String, of name: String) {
    tensors[Place(name: name, slot: slot)] = tensor
  }
}
