import Synchronization

/// Adds up the executed work of a model's operations, by operation.
public final class Meter: OperationObserver {
  /// Work of one operation, summed.
  public struct Line: Sendable, Equatable {
    /// Times the operation ran.
    public var calls = 0
    /// Floating-point operations of the forward rules.
    public var forward = 0.0
    /// Floating-point operations of the backward rules that training runs.
    public var backward = 0.0
    /// Bytes that the forward rules move at least.
    public var bytes = 0.0
  }

  private let state = Mutex<[String: Line]>([:])

  /// A meter that has seen nothing.
  public init() {}

  /// Adds one operation.
  public func didApply(_ name: String, _ cost: Cost, wanted: [Bool]) {
    state.withLock { lines in
      var line = lines[name] ?? Line()
      line.calls += 1
      line.forward += cost.forward
      line.bytes += cost.bytes
      for (isWanted, operations) in zip(wanted, cost.backward) where isWanted {
        line.backward += operations
      }
      lines[name] = line
    }
  }

  /// The sums by operation, sorted by name.
  public var lines: [(name: String, line: Line)] {
    state.withLock { $0.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
  }

  /// Floating-point operations of all forward rules.
  public var forward: Double { lines.reduce(0) { $0 + $1.line.forward } }
  /// Floating-point operations of all backward rules.
  public var backward: Double { lines.reduce(0) { $0 + $1.line.backward } }
}
