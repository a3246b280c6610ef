/// The stored form of a tensor's elements.
public enum DType: String, Sendable, CaseIterable {
  /// IEEE 754 single precision.
  case float32
  /// The upper half of a single-precision number; kernels widen it on load.
  case bfloat16
  /// Signed 32-bit integers: token ids and targets.
  case int32
  /// Signed 8-bit integers.
  case int8
  /// IEEE 754 double precision; only the reference backend computes with it.
  case float64

  /// Bytes of one element.
  public var byteCount: Int {
    switch self {
    case .float32, .int32: 4
    case .bfloat16: 2
    case .int8: 1
    case .float64: 8
    }
  }

  /// True for the types that gradients exist for.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .bfloat16, .float64: true
    case .int32, .int8: false
    }
  }
}
