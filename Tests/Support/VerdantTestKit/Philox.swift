/// Philox-4x32-10 (Salmon et al. 2011) with the whole 128-bit counter, written from the paper and
/// not from the kernels, so that the two check each other.
public enum Philox {
  /// The four words at a counter; all words least significant first.
  public static func words(counter: [UInt32], key: [UInt32]) -> [UInt32] {
    var c = counter
    var k = key
    for _ in 0..<10 {
      let left = c[0].multipliedFullWidth(by: 0xD251_1F53)
      let right = c[2].multipliedFullWidth(by: 0xCD9E_8D57)
      c = [right.high ^ c[1] ^ k[0], right.low, left.high ^ c[3] ^ k[1], left.low]
      k[0] &+= 0x9E37_79B9
      k[1] &+= 0xBB67_AE85
    }
    return c
  }

  /// The four words of a stream at a 64-bit counter, as the kernels use it.
  public static func words(key: UInt64, counter: UInt64) -> [UInt32] {
    words(counter: [low(counter), high(counter), 0, 0], key: [low(key), high(key)])
  }

  private static func low(_ value: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: value) }
  private static func high(_ value: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: value >> 32) }
}
