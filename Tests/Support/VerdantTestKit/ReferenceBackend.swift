#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif
public import Verdant
import VerdantCore

/// The basis in double precision by plain loops, without any kernel: fused operations run their
/// definition here. Integers stay integers; every other form is read as doubles.
public final class ReferenceBackend: Backend {
  /// A backend for checks.
  public static let shared = ReferenceBackend()

  /// Makes a backend.
  public init() {}

  /// The name in errors.
  public var name: String { "reference" }
  /// Double precision.
  public var scalarType: DType { .float64 }
  /// Nobody listens.
  public var observer: (any OperationObserver)? { nil }

  /// Memory of its own for every tensor.
  public func allocate(_ count: Int, _ dtype: DType) -> Storage {
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, count * dtype.byteCount),
      alignment: 64
    )
    return Storage(backend: self, dtype: dtype, count: count, unsafeBase: block) {
      $0.deallocate()
    }
  }

  /// A tensor from double-precision numbers in row-major order.
  public func tensor(doubles values: [Double], _ shape: Shape) -> Tensor {
    stored(values, shape, .float64)
  }

  private func stored(_ values: [Double], _ shape: Shape, _ dtype: DType) -> Tensor {
    precondition(values.count == shape.elementCount, "[reference] \(values.count) for \(shape)")
    var result = Tensor(allocate(values.count, dtype), shape: shape)
    func write<Element>(_ convert: (Double) -> Element) {
      result.withUnsafeMutableElements(as: Element.self) { elements in
        for (index, value) in values.enumerated() { elements[index] = convert(value) }
      }
    }
    switch dtype {
    case .float64: write { $0 }
    case .float32: write { Float($0) }
    case .bfloat16: write { BFloat16Bits.rounded(Float($0)) }
    case .int32: write { Int32($0) }
    case .int8: write { Int8($0) }
    }
    return result
  }

  /// A tensor of one number.
  public func fill(_ value: Double, _ shape: Shape, _ dtype: DType) -> Tensor {
    stored([Double](repeating: value, count: shape.elementCount), shape, dtype)
  }

  /// The numbers, widened.
  public func tensor(_ values: [Float], _ shape: Shape) -> Tensor {
    tensor(doubles: values.map(Double.init), shape)
  }

  /// The integers.
  public func tensor(integers values: [Int32], _ shape: Shape) -> Tensor {
    stored(values.map(Double.init), shape, .int32)
  }

  /// The numbers that the CPU draws from the same key.
  public func random(_ distribution: Distribution, _ shape: Shape, key: UInt64) -> Tensor {
    func unit(_ word: UInt32) -> Double { (Double(word) + 0.5) * 0x1p-32 }
    let values = (0..<shape.elementCount).map { index -> Double in
      let words = Philox.words(key: key, counter: UInt64(index / 4))
      switch distribution {
      case .uniform(let low, let high):
        let (low, high) = (Float(low), Float(high))
        let value = Float(Double(low) + (Double(high) - Double(low)) * unit(words[index % 4]))
        return Double(value < high || low == high ? value : high.nextDown)
      case .normal(let mean, let deviation):
        let pair = index % 4 / 2 * 2
        let radius = sqrt(-2 * log(unit(words[pair])))
        let angle = 2 * Double.pi * unit(words[pair + 1])
        let z = radius * (index % 2 == 0 ? cos(angle) : sin(angle))
        return Double(Float(Double(Float(mean)) + Double(Float(deviation)) * z))
      }
    }
    return tensor(doubles: values, shape)
  }

  /// The elements of any form.
  public func doubles(_ x: Tensor) -> [Double] {
    switch x.dtype {
    case .float64: x.withUnsafeElements(as: Double.self) { Array($0) }
    case .float32: x.withUnsafeElements(as: Float.self) { $0.map(Double.init) }
    case .bfloat16: x.withUnsafeElements(as: UInt16.self) { $0.map(BFloat16Bits.widened) }
    case .int32: x.withUnsafeElements(as: Int32.self) { $0.map(Double.init) }
    case .int8: x.withUnsafeElements(as: Int8.self) { $0.map(Double.init) }
    }
  }

  /// The same numbers in new memory.
  public func copy(_ x: Tensor) -> Tensor { stored(doubles(x), x.shape, x.dtype) }

  /// The same numbers in another form.
  public func cast(_ x: Tensor, to dtype: DType) -> Tensor { stored(doubles(x), x.shape, dtype) }

  /// `y += x`.
  public func accumulate(_ x: Tensor, into y: Tensor) {
    let parts = doubles(x)
    y.withUnsafeElements(as: Double.self) { elements in
      // The caller holds the only reference to y, which it lends as a value.
      let target = UnsafeMutablePointer(mutating: elements.baseAddress)
      for (index, part) in parts.enumerated() { target?[index] += part }
    }
  }
}

/// bfloat16 by its definition.
public enum BFloat16Bits {
  /// The nearest bfloat16, ties to even; a NaN stays one.
  public static func rounded(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(bits >> 16) | 0x40 }
    let (upper, lower) = (UInt16(bits >> 16), bits & 0xFFFF)
    if lower > 0x8000 || (lower == 0x8000 && upper % 2 == 1) { return upper + 1 }
    return upper
  }

  /// The number.
  public static func widened(_ bits: UInt16) -> Double {
    Double(Float(bitPattern: UInt32(bits) << 16))
  }
}
