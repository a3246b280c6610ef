import VerdantBase

/// A dense, row-major array of numbers: a value. Copies share memory until one is written.
public struct Tensor: Sendable {
  /// The lengths of the axes.
  public let shape: Shape
  /// The memory; slices along axis 0 and reshapes share it.
  public internal(set) var storage: Storage
  let offset: Int
  /// Where a tape records this value; nil when nothing does.
  var trace: Trace?
  /// How a recorded operation makes this value again; nil when it is kept.
  var origin: Recomputation?

  /// A tensor over whole storage.
  public init(_ storage: Storage, shape: Shape) {
    self.init(storage: storage, shape: shape, offset: 0, trace: nil)
  }

  init(storage: Storage, shape: Shape, offset: Int, trace: Trace?) {
    require(
      offset >= 0 && offset + shape.elementCount <= storage.count,
      "[tensor] \(shape) at \(offset) does not fit \(storage.count) elements"
    )
    self.shape = shape
    self.storage = storage
    self.offset = offset
    self.trace = trace
  }

  /// The form of the elements.
  public var dtype: DType { storage.dtype }
  /// The backend that computes with this tensor.
  public var backend: any Backend { storage.backend }
  /// The number of elements.
  public var count: Int { shape.elementCount }
  /// Bytes of the elements.
  public var byteCount: Int { count * dtype.byteCount }
  /// True when a tape records what is computed from this tensor.
  public var isTraced: Bool { trace != nil }

  /// The same value, invisible to any tape: gradients stop here.
  public func detached() -> Tensor {
    Tensor(storage: storage, shape: shape, offset: offset, trace: nil)
  }

  /// The same, as a recorded operation reads it.
  func untraced() -> Tensor {
    var copy = self
    copy.trace = nil
    return copy
  }

  /// The elements rounded to bf16.
  ///
  /// - Parameter keeping: Keeps them with the memory until it is written. A training step, which
  ///   reads a weight twice between two writes, rather rounds twice than keeps every weight twice.
  public func narrowed(keeping: Bool = true) -> Tensor {
    if dtype == .bfloat16 { return self }
    guard offset == 0 && count == storage.count else { return backend.cast(self, to: .bfloat16) }
    let all = storage.narrowed(keeping: keeping) { backend.cast(detached(), to: .bfloat16) }
    return Tensor(storage: all.storage, shape: shape, offset: 0, trace: nil)
  }

  /// The first element's address, valid while the tensor lives.
  ///
  /// Traps on a backend without numbers.
  var unsafeAddress: UnsafeMutableRawPointer {
    guard let base = storage.base else {
      trap("[tensor] this backend computes shapes only; it holds no numbers")
    }
    return base + offset * dtype.byteCount
  }

  /// The elements in place, for backends. Do not keep the pointer.
  ///
  /// On a backend without numbers the buffer is empty and has no address.
  public func withUnsafeElements<Element, R>(
    as type: Element.Type,
    _ body: (UnsafeBufferPointer<Element>) throws -> R
  ) rethrows -> R {
    require(
      MemoryLayout<Element>.stride == dtype.byteCount,
      "[tensor] elements of \(dtype) read as \(Element.self)"
    )
    guard storage.base != nil else { return try body(UnsafeBufferPointer(start: nil, count: 0)) }
    return try withExtendedLifetime(storage) {
      let start = UnsafePointer(unsafeAddress.assumingMemoryBound(to: Element.self))
      return try body(UnsafeBufferPointer(start: start, count: count))
    }
  }

  /// The bytes of the elements in place, row-major, in the machine's byte order.
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try withExtendedLifetime(storage) {
      try body(UnsafeRawBufferPointer(start: unsafeAddress, count: byteCount))
    }
  }

  /// The elements for writing. Copies first when another tensor shares them; see ``CopyCounter``.
  ///
  /// On a backend without numbers the buffer is empty and has no address.
  public mutating func withUnsafeMutableElements<Element, R>(
    as type: Element.Type,
    _ body: (UnsafeMutableBufferPointer<Element>) throws -> R
  ) rethrows -> R {
    require(trace == nil, "[tensor] a recorded value cannot be written in place")
    require(
      MemoryLayout<Element>.stride == dtype.byteCount,
      "[tensor] elements of \(dtype) written as \(Element.self)"
    )
    makeUnique()
    storage.dropNarrowed()
    guard storage.base != nil else {
      storage.knownValue = nil
      return try body(UnsafeMutableBufferPointer(start: nil, count: 0))
    }
    return try withExtendedLifetime(storage) {
      let start = unsafeAddress.assumingMemoryBound(to: Element.self)
      return try body(UnsafeMutableBufferPointer(start: start, count: count))
    }
  }

  private mutating func makeUnique() {
    guard !isKnownUniquelyReferenced(&storage) else { return }
    if storage.base != nil { CopyCounter.shared.add(byteCount) }
    self = backend.copy(self)
  }

  /// True when no other tensor shares this one's memory.
  mutating func isUnique() -> Bool { isKnownUniquelyReferenced(&storage) }
}
