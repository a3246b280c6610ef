import VerdantBase
internal import CVerdant

/// The CPU: kernels of `CVerdant`, memory from a pool.
public final class CPUBackend: Backend {
  /// The backend that tensors live on unless another is named.
  public static let shared = CPUBackend()

  let pool = StoragePool()
  private let guarded: GuardedMemory?

  /// Makes a backend with a memory pool of its own.
  ///
  /// - Parameter poisonsMemory: Fills every new block with NaNs, so that a test sees an operation
  ///   that reads what it did not write, and counts blocks that were written outside.
  public init(poisonsMemory: Bool = false) { guarded = poisonsMemory ? GuardedMemory() : nil }

  /// The name in errors and reports.
  public var name: String { "cpu" }
  /// Single precision.
  public var scalarType: DType { .float32 }
  /// Nobody listens: profiles use a ``ShapeBackend`` or the system's profiler.
  public var observer: (any OperationObserver)? { nil }

  /// Bytes kept for reuse.
  public var pooledByteCount: Int { pool.heldBytes }

  /// Released blocks that an operation wrote outside of; counted with `poisonsMemory` only.
  public var overrunCount: Int { guarded?.overrunCount ?? 0 }

  /// Returns the memory kept for reuse to the system.
  public func trimPool() { pool.trim() }

  /// Memory for `count` elements with undefined content.
  public func allocate(_ count: Int, _ dtype: DType) -> Storage {
    let bytes = count * dtype.byteCount
    if let guarded { return allocate(count, dtype, guarded) }
    let (start, block) = pool.take(bytes)
    return Storage(backend: self, dtype: dtype, count: count, unsafeBase: start) { [pool] _ in
      pool.give(block)
    }
  }

  private func allocate(_ count: Int, _ dtype: DType, _ guarded: GuardedMemory) -> Storage {
    let bytes = count * dtype.byteCount
    let (surroundings, block) = pool.take(GuardedMemory.size(bytes))
    let start = guarded.prepare(surroundings, bytes)
    return Storage(backend: self, dtype: dtype, count: count, unsafeBase: start) { [pool] in
      guarded.check($0, bytes)
      pool.give(block)
    }
  }

  func empty(_ shape: Shape, _ dtype: DType = .float32) -> Tensor {
    Tensor(allocate(shape.elementCount, dtype), shape: shape)
  }

  /// A tensor of one number.
  public func fill(_ value: Double, _ shape: Shape, _ dtype: DType) -> Tensor {
    let result = empty(shape, dtype)
    switch dtype {
    case .float32: vd_fill(result.count, Float(value), result.f32)
    case .bfloat16: return cast(fill(value, shape, .float32), to: dtype)
    case .int32:
      result.i32.update(repeating: Int32(value), count: result.count)
    default: unsupported("fill", dtype)
    }
    return result
  }

  /// A tensor from single-precision numbers.
  public func tensor(_ values: [Float], _ shape: Shape) -> Tensor {
    let result = empty(shape)
    values.withUnsafeBufferPointer {
      if let start = $0.baseAddress { result.f32.update(from: start, count: $0.count) }
    }
    return result
  }

  /// A tensor from integers.
  public func tensor(integers values: [Int32], _ shape: Shape) -> Tensor {
    let result = empty(shape, .int32)
    values.withUnsafeBufferPointer {
      if let start = $0.baseAddress { result.i32.update(from: start, count: $0.count) }
    }
    return result
  }

  /// Numbers from the stream of a key.
  public func random(_ distribution: Distribution, _ shape: Shape, key: UInt64) -> Tensor {
    let result = empty(shape)
    switch distribution {
    case .uniform(let low, let high):
      vd_random_uniform(key, result.count, Float(low), Float(high), result.f32)
    case .normal(let mean, let deviation):
      vd_random_normal(key, result.count, Float(mean), Float(deviation), result.f32)
    }
    return result
  }

  /// The elements in row-major order.
  public func doubles(_ x: Tensor) -> [Double] { floats(x).map(Double.init) }

  /// The elements as single-precision numbers, in row-major order.
  public func floats(_ x: Tensor) -> [Float] {
    switch x.dtype {
    case .float32: return x.withUnsafeElements(as: Float.self) { Array($0) }
    case .bfloat16: return floats(cast(x, to: .float32))
    case .int32: return x.withUnsafeElements(as: Int32.self) { $0.map(Float.init) }
    default: unsupported("read", x.dtype)
    }
  }

  /// The same numbers in new memory.
  public func copy(_ x: Tensor) -> Tensor {
    let result = empty(x.shape, x.dtype)
    result.unsafeAddress.copyMemory(from: x.unsafeAddress, byteCount: x.byteCount)
    return result
  }

  /// The same numbers in another form.
  public func cast(_ x: Tensor, to dtype: DType) -> Tensor {
    if x.dtype == dtype { return x }
    let result = empty(x.shape, dtype)
    switch (x.dtype, dtype) {
    case (.float32, .bfloat16): vd_f32_to_bf16(x.count, x.f32, result.bf16)
    case (.bfloat16, .float32): vd_bf16_to_f32(x.count, x.bf16, result.f32)
    default: unsupported("cast to \(dtype)", x.dtype)
    }
    return result
  }

  /// `y += x`, where nothing else shares the memory of y.
  public func accumulate(_ x: Tensor, into y: Tensor) {
    require(x.dtype == y.dtype, "[cpu] \(x.dtype) added to \(y.dtype)")
    vd_accumulate(y.kernelType, y.count, x.unsafeAddress, y.unsafeAddress)
  }

  func unsupported(_ operation: String, _ dtype: DType) -> Never {
    trap("[cpu] \(operation) of \(dtype) elements does not exist")
  }
}

extension Tensor {
  /// The single-precision elements; the caller keeps the tensor alive.
  var f32: UnsafeMutablePointer<Float> {
    require(dtype == .float32, "[cpu] float32 expected, found \(dtype)")
    return unsafeAddress.assumingMemoryBound(to: Float.self)
  }

  var bf16: UnsafeMutablePointer<UInt16> {
    require(dtype == .bfloat16, "[cpu] bfloat16 expected, found \(dtype)")
    return unsafeAddress.assumingMemoryBound(to: UInt16.self)
  }

  /// The form of the elements for kernels that read several.
  var kernelType: vd_type {
    switch dtype {
    case .float32: VD_F32
    case .bfloat16: VD_BF16
    default: trap("[cpu] float32 or bfloat16 expected, found \(dtype)")
    }
  }

  var i32: UnsafeMutablePointer<Int32> {
    require(dtype == .int32, "[cpu] int32 expected, found \(dtype)")
    return unsafeAddress.assumingMemoryBound(to: Int32.self)
  }
}
