import Synchronization

/// Counts the bytes that writes in place had to copy because memory was shared.
///
/// An optimizer step must add nothing here: a test holds it to that.
public final class CopyCounter: Sendable {
  /// The counter of the process.
  public static let shared = CopyCounter()

  private let bytes = Atomic<Int>(0)

  /// Bytes copied since the process started.
  public var byteCount: Int { bytes.load(ordering: .relaxed) }

  func add(_ count: Int) { bytes.add(count, ordering: .relaxed) }
}
