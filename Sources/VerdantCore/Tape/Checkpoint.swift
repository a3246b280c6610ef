/// Evaluates a function and keeps nothing but its inputs: the backward pass evaluates it again
/// (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost").
///
/// - Parameters:
///   - inputs: Everything the function differentiates for, parameters included.
///   - function: Receives the inputs; gives the same value every time.
public func checkpointed(_ inputs: [Tensor], _ function: @escaping ([Tensor]) -> Tensor) -> Tensor {
  guard let tape = tape(of: inputs, "checkpoint") else { return function(inputs) }
  let plain = inputs.map { $0.detached() }
  let slots = inputs.map { $0.trace?.slot }
  let output = function(plain)
  return tape.record(
    output,
    Tape.Entry(inputs: slots) { gradient in
      let inner = Tape()
      let leaves = zip(plain, slots).map { $1 == nil ? $0 : inner.leaf($0) }
      return inner.gradients(of: function(leaves), gradient, leaves: leaves)
    }
  )
}
