/// The element types a safetensors file can hold.
///
/// Their order is the rank by which a writer sorts tensors: from the smallest alignment to the
/// largest, so that descending order makes every tensor naturally aligned.
public enum StoredDType: String, Sendable, CaseIterable, Comparable {
  /// Truth values, one byte each.
  case bool = "BOOL"
  /// 4-bit floats, two per byte.
  case f4 = "F4"
  /// 6-bit floats with 2 bits of exponent.
  case f6E2M3 = "F6_E2M3"
  /// 6-bit floats with 3 bits of exponent.
  case f6E3M2 = "F6_E3M2"
  /// Unsigned 8-bit integers.
  case u8 = "U8"
  /// Signed 8-bit integers.
  case i8 = "I8"
  /// 8-bit floats with 5 bits of exponent.
  case f8E5M2 = "F8_E5M2"
  /// 8-bit floats with 4 bits of exponent and no infinities.
  case f8E4M3 = "F8_E4M3"
  /// 8-bit powers of two.
  case f8E8M0 = "F8_E8M0"
  /// 8-bit floats with 4 bits of exponent, one NaN and no negative zero.
  case f8E4M3FNUZ = "F8_E4M3FNUZ"
  /// 8-bit floats with 5 bits of exponent, one NaN and no negative zero.
  case f8E5M2FNUZ = "F8_E5M2FNUZ"
  /// Signed 16-bit integers.
  case i16 = "I16"
  /// Unsigned 16-bit integers.
  case u16 = "U16"
  /// IEEE half precision.
  case f16 = "F16"
  /// The upper half of single precision.
  case bf16 = "BF16"
  /// Signed 32-bit integers.
  case i32 = "I32"
  /// Unsigned 32-bit integers.
  case u32 = "U32"
  /// IEEE single precision.
  case f32 = "F32"
  /// Pairs of single precision: real and imaginary part.
  case c64 = "C64"
  /// IEEE double precision.
  case f64 = "F64"
  /// Signed 64-bit integers.
  case i64 = "I64"
  /// Unsigned 64-bit integers.
  case u64 = "U64"

  /// The name in the file, in upper case.
  public var name: String { rawValue }

  /// The width of one element, in bits.
  public var bitWidth: Int {
    switch self {
    case .f4: 4
    case .f6E2M3, .f6E3M2: 6
    case .bool, .u8, .i8, .f8E5M2, .f8E4M3, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ: 8
    case .i16, .u16, .f16, .bf16: 16
    case .i32, .u32, .f32: 32
    case .c64, .f64, .i64, .u64: 64
    }
  }

  /// The place in the writer's order, from 0.
  public var rank: Int { Self.ranks[self] ?? 0 }

  /// Whether the type has a lower rank.
  public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

  private static let ranks = Dictionary(
    zip(allCases, 0...),
    uniquingKeysWith: { first, _ in first }
  )
}
