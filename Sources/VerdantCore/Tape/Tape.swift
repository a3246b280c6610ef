#if canImport(Glibc)
import VerdantBase
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Where a tape keeps a recorded value.
struct Trace: Sendable {
  let tape: Tape
  let slot: Int
}

/// A Wengert list: the operations of one evaluation in order, walked backwards for gradients.
///
/// A tape belongs to the thread that made it. `@unchecked Sendable`: every entry point traps when
/// another thread calls, so its state is never reached concurrently.
final class Tape: @unchecked Sendable {
  /// What one recorded operation needs to pass a gradient on.
  struct Entry {
    var inputs: [Int?]
    /// Adds the gradient of the only traced input, the first, to a sum.
    var addition: ((_ gradient: Tensor, _ sum: Tensor) -> Void)?
    var backward: (Tensor) -> [Tensor?]
  }

  private let owner = pthread_self()
  private var entries: [Entry?] = []

  private func checkOwner() {
    require(
      pthread_equal(owner, pthread_self()) != 0,
      "[tape] used from another thread than the one that made it"
    )
  }

  /// Records a value that is not computed: a parameter.
  func leaf(_ value: Tensor) -> Tensor {
    checkOwner()
    entries.append(nil)
    return Tensor(
      storage: value.storage,
      shape: value.shape,
      offset: value.offset,
      trace: Trace(tape: self, slot: entries.count - 1)
    )
  }

  func record(_ output: Tensor, _ entry: Entry) -> Tensor {
    checkOwner()
    entries.append(entry)
    return Tensor(
      storage: output.storage,
      shape: output.shape,
      offset: output.offset,
      trace: Trace(tape: self, slot: entries.count - 1)
    )
  }

  /// The gradients of `output` for the given leaves. Each entry and each gradient is freed as
  /// soon as it was used; sums are formed in the reverse order of recording.
  func gradients(of output: Tensor, _ seed: Tensor, leaves: [Tensor]) -> [Tensor?] {
    checkOwner()
    guard let trace = output.trace, trace.tape === self else { return leaves.map { _ in nil } }
    var gradients = [Tensor?](repeating: nil, count: entries.count)
    gradients[trace.slot] = seed
    for slot in stride(from: trace.slot, through: 0, by: -1) {
      guard let entry = entries[slot] else { continue }
      entries[slot] = nil
      guard let gradient = gradients[slot] else { continue }
      gradients[slot] = nil
      if let addition = entry.addition, let first = entry.inputs[0], gradients[first] != nil,
        entry.inputs.dropFirst().allSatisfy({ $0 == nil })
      {
        gradients[first]?.makeUnique()
        if let sum = gradients[first] { addition(gradient, sum) }
        continue
      }
      let parts = entry.backward(gradient)
      for (input, part) in zip(entry.inputs, parts) {
        guard let input, let part else { continue }
        if gradients[input] == nil {
          gradients[input] = part
        } else {
          gradients[input]?.add(part)
        }
      }
    }
    return leaves.map { leaf in leaf.trace.flatMap { gradients[$0.slot] } }
  }
}

extension Tensor {
  /// Takes memory of its own when others share it.
  fileprivate mutating func makeUnique() {
    if !isUnique() { self = backend.copy(self) }
  }

  /// Adds in place when nobody shares the memory, else into new memory.
  fileprivate mutating func add(_ other: Tensor) {
    require(
      shape == other.shape && dtype == other.dtype,
      "[gradient] \(dtype) \(shape) and \(other.dtype) \(other.shape) of one value differ"
    )
    makeUnique()
    backend.accumulate(other, into: self)
  }
}
