/// A named stream of random numbers, counter-based (Philox-4x32-10, Salmon et al. 2011).
///
/// A source is a value: it has no hidden state. Streams are split by name or number, so what is
/// drawn depends on the seed and the names alone, never on order or threads.
public struct RandomSource: Sendable, Equatable {
  /// The key of the stream.
  public let key: UInt64

  /// The root stream of a seed.
  public init(seed: UInt64) { key = Self.mixed(seed &+ 0x9E37_79B9_7F4A_7C15) }

  private init(key: UInt64) { self.key = key }

  /// The stream of that name inside this one.
  public func stream(_ name: String) -> RandomSource {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return RandomSource(key: Self.mixed(key ^ Self.mixed(hash)))
  }

  /// The stream of that number inside this one.
  public func stream(_ number: Int) -> RandomSource {
    RandomSource(
      key: Self.mixed(key &+ Self.mixed(UInt64(bitPattern: Int64(number)) ^ 0xD1B5_4A32_D192_ED03))
    )
  }

  /// The four words of the stream at a counter.
  public func words(at counter: UInt64) -> (UInt32, UInt32, UInt32, UInt32) {
    var c0 = UInt32(truncatingIfNeeded: counter)
    var c1 = UInt32(truncatingIfNeeded: counter >> 32)
    var c2: UInt32 = 0
    var c3: UInt32 = 0
    var k0 = UInt32(truncatingIfNeeded: key)
    var k1 = UInt32(truncatingIfNeeded: key >> 32)
    for _ in 0..<10 {
      let p0 = UInt64(0xD251_1F53) &* UInt64(c0)
      let p1 = UInt64(0xCD9E_8D57) &* UInt64(c2)
      (c0, c1, c2, c3) = (
        UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: p1),
        UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: p0)
      )
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
    }
    return (c0, c1, c2, c3)
  }

  /// A number in `[0, 1)` at a counter.
  public func uniform(at counter: UInt64) -> Double {
    let (a, b, _, _) = words(at: counter)
    return Double((UInt64(a) << 32 | UInt64(b)) >> 11) * 0x1p-53
  }

  // The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
