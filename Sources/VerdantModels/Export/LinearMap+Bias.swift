import VerdantCore
import VerdantNN

extension LinearMap {
  /// What is added to the product, `[output]`; nil for nothing.
  var biasValue: Tensor? { parameters.first { $0.name == "bias" }?.parameter.value }
}
