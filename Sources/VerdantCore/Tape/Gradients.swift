import VerdantBase

/// Evaluates a function of tensors and the gradient of its scalar value for each of them.
///
/// - Parameters:
///   - inputs: Values to differentiate for.
///   - function: Receives the inputs, recorded, and returns a tensor with one element.
/// - Returns: The value and one gradient for each input, zeros where the value does not depend
///   on it.
public func valueAndGradients(
  of inputs: [Tensor],
  _ function: ([Tensor]) throws -> Tensor
) rethrows -> (value: Tensor, gradients: [Tensor]) {
  let (value, found) = try valueAndSparseGradients(of: inputs, function)
  let gradients = zip(inputs, found).map { input, gradient in
    gradient ?? input.backend.fill(0, input.shape, input.dtype)
  }
  return (value, gradients)
}

/// The same, with nil for inputs that the value does not depend on.
public func valueAndSparseGradients(
  of inputs: [Tensor],
  _ function: ([Tensor]) throws -> Tensor
) rethrows -> (value: Tensor, gradients: [Tensor?]) {
  let tape = Tape()
  let leaves = inputs.map { tape.leaf($0) }
  let value = try function(leaves)
  require(
    value.count == 1,
    "[gradient] the value has shape \(value.shape), one element expected"
  )
  let seed = value.backend.fill(1, value.shape, value.dtype)
  return (value.detached(), tape.gradients(of: value, seed, leaves: leaves))
}
