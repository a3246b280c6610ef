/// IEEE half precision by its bits: not every platform has a type for it.
enum HalfPrecision {
  /// The largest finite number.
  static let largest: Float = 65_504

  /// The nearest number in half precision, ties to even; what is too large becomes infinite.
  static func bits(_ value: Float) -> UInt16 {
    let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000
    let magnitude = value.bitPattern & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
    // Half a step above the largest number, and beyond.
    if magnitude >= 0x477F_F000 { return sign | 0x7C00 }
    guard magnitude >= 0x3880_0000 else {
      // Below 2^-14 the steps are 2^-24.
      let steps = (Float(bitPattern: magnitude) * 16_777_216).rounded(.toNearestOrEven)
      return sign | UInt16(steps)
    }
    let rounded = magnitude + 0xFFF + (magnitude >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded - 0x3800_0000) >> 13)
  }
}
