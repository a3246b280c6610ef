import Synchronization

/// The memory behind tensors. Several tensors may share one storage; it is written only by an
/// owner that holds the single reference, so shared storage never changes.
///
/// `@unchecked Sendable`: after the operation that filled it returns, a storage is read-only
/// unless `isKnownUniquelyReferenced` proves that nobody else can see it.
public final class Storage: @unchecked Sendable {
  /// The backend that owns the memory.
  public let backend: any Backend
  /// The form of the elements.
  public let dtype: DType
  /// The number of elements.
  public let count: Int
  /// The first byte; nil on a backend without numbers.
  let base: UnsafeMutableRawPointer?
  /// The number that every element is, where a backend without numbers knows it.
  var knownValue: Double?
  private let release: (@Sendable (UnsafeMutableRawPointer) -> Void)?
  private let narrow = Mutex<Tensor?>(nil)
  private let whenGone: (@Sendable () -> Void)?

  /// Takes ownership of `base`, which `release` returns when the last tensor is gone.
  ///
  /// - Parameters:
  ///   - base: At least `count` elements, aligned for them; nil if the backend has no numbers.
  public init(
    backend: any Backend,
    dtype: DType,
    count: Int,
    unsafeBase base: UnsafeMutableRawPointer?,
    release: (@Sendable (UnsafeMutableRawPointer) -> Void)?
  ) {
    self.backend = backend
    self.dtype = dtype
    self.count = count
    self.base = base
    self.release = release
    knownValue = nil
    whenGone = nil
  }

  /// A storage without memory, which tells when the last tensor is gone.
  init(
    backend: any Backend, dtype: DType, count: Int, knownValue: Double?,
    whenGone: (@Sendable () -> Void)?
  ) {
    self.backend = backend
    self.dtype = dtype
    self.count = count
    base = nil
    release = nil
    self.knownValue = knownValue
    self.whenGone = whenGone
  }

  /// The copy in bf16, made unless one was kept since the last write.
  func narrowed(keeping: Bool, _ make: () -> Tensor) -> Tensor {
    narrow.withLock { kept in
      if let kept { return kept }
      let made = make()
      if keeping { kept = made }
      return made
    }
  }

  /// Forgets the copy in bf16: the elements are about to change.
  func dropNarrowed() { narrow.withLock { $0 = nil } }

  deinit {
    if let base { release?(base) }
    whenGone?()
  }
}
