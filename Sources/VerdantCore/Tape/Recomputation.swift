import Synchronization
import VerdantBase

/// A value that the backward pass makes again instead of keeping it: the output of an operation
/// that is cheap to repeat from what it saved anyway.
final class Recomputation: Sendable {
  private let make: @Sendable () -> Tensor
  private let made = Mutex<Tensor?>(nil)

  init(_ make: @escaping @Sendable () -> Tensor) { self.make = make }

  /// The value, made once until `release`.
  var value: Tensor {
    made.withLock { made in
      if let made { return made }
      let value = make()
      made = value
      return value
    }
  }

  /// Frees the value: the operation's own backward rule comes after those of all its users.
  func release() { made.withLock { $0 = nil } }
}

/// What a primitive saves of an input: the tensor, or how to make it again.
public struct SavedTensor: Sendable {
  private let kept: Tensor?
  private let origin: Recomputation?

  /// Saves an input of `forward`.
  public init(_ input: Tensor) {
    origin = input.origin
    kept = input.origin == nil ? input : nil
  }

  /// The input.
  public var tensor: Tensor {
    if let kept { return kept }
    guard let origin else { trap("[tape] a saved tensor without value") }
    return origin.value
  }
}
