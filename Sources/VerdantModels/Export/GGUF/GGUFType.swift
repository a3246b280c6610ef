import VerdantBase

/// How the numbers of a tensor are stored in GGUF; the raw value is the type's number there.
enum GGUFType: UInt32, Sendable {
  case f32 = 0
  case f16 = 1
  /// Blocks of 32 with 4 bits each and one factor.
  case q4_0 = 2
  /// Blocks of 32 with 8 bits each and one factor.
  case q8_0 = 8

  /// The name as users write it.
  var name: String {
    switch self {
    case .f32: "F32"
    case .f16: "F16"
    case .q4_0: "Q4_0"
    case .q8_0: "Q8_0"
    }
  }

  /// Numbers that are stored together; rows have a multiple.
  var blockCount: Int {
    switch self {
    case .f32, .f16: 1
    case .q4_0, .q8_0: 32
    }
  }

  /// Bytes of a block.
  var blockBytes: Int {
    switch self {
    case .f32: 4
    case .f16: 2
    case .q4_0: 18
    case .q8_0: 34
    }
  }

  /// Bytes of numbers that fill whole blocks.
  func byteCount(_ count: Int) -> Int { count / blockCount * blockBytes }

  /// Numbers as they are stored.
  ///
  /// - Parameter tensor: The name for errors.
  /// - Throws: ``CheckpointError`` for numbers that are not finite, in forms that round, and
  ///   ``ConfigError`` for those that half precision cannot hold.
  func encode(_ values: [Float], of tensor: String) throws -> [UInt8] {
    require(
      values.count % blockCount == 0, "[gguf] \(values.count) numbers in blocks of \(blockCount)")
    guard self != .f32 else { return littleEndianBytes(values.map(\.bitPattern)) }
    if let wrong = values.first(where: { !$0.isFinite }) {
      throw CheckpointError(
        .damaged, "the number \(wrong) cannot be stored as \(name)",
        place: "tensor \"\(tensor)\"", rule: "numbers are finite",
        advice: "its training may have diverged")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount(values.count))
    try values.withUnsafeBufferPointer { all in
      for start in stride(from: 0, to: all.count, by: blockCount) {
        let block = UnsafeBufferPointer(rebasing: all[start..<start + blockCount])
        switch self {
        case .f32: break
        case .f16: try Self.append(block[0], tensor, self, to: &bytes)
        case .q8_0: try appendQ8(block, tensor, to: &bytes)
        case .q4_0: try appendQ4(block, tensor, to: &bytes)
        }
      }
    }
    return bytes
  }

  /// A number in half precision.
  private static func append(
    _ value: Float, _ tensor: String, _ type: GGUFType, to bytes: inout [UInt8]
  ) throws(ConfigError) {
    let half = HalfPrecision.bits(value)
    guard half & 0x7C00 != 0x7C00 else {
      throw ConfigError(
        .outOfRange, "\(type.name) cannot hold the number \(value)", place: "tensor \"\(tensor)\"",
        rule: "half precision ends at \(HalfPrecision.largest)", advice: "take the type f32")
    }
    bytes.append(UInt8(truncatingIfNeeded: half))
    bytes.append(UInt8(truncatingIfNeeded: half >> 8))
  }

  /// One over a factor; 0 where that is no number, for factors that half precision rounds to 0.
  private static func inverse(_ factor: Float) -> Float {
    let inverse = factor == 0 ? 0 : 1 / factor
    return inverse.isFinite ? inverse : 0
  }

  /// A factor, then `round(x / factor)` with ties away from zero.
  private func appendQ8(
    _ block: UnsafeBufferPointer<Float>, _ tensor: String, to bytes: inout [UInt8]
  ) throws(ConfigError) {
    let largest = block.reduce(Float(0)) { max($0, abs($1)) }
    let factor = largest / 127
    let inverse = Self.inverse(factor)
    try Self.append(factor, tensor, self, to: &bytes)
    for value in block {
      let step = (value * inverse).rounded(.toNearestOrAwayFromZero)
      bytes.append(UInt8(bitPattern: Int8(max(-127, min(127, step)))))
    }
  }

  /// A factor that makes the number of largest size -8, then four bits each with 8 added; the first
  /// half of the block in the low bits.
  private func appendQ4(
    _ block: UnsafeBufferPointer<Float>, _ tensor: String, to bytes: inout [UInt8]
  ) throws(ConfigError) {
    var largest: Float = 0
    for value in block where abs(value) > abs(largest) { largest = value }
    let factor = largest / -8
    let inverse = Self.inverse(factor)
    try Self.append(factor, tensor, self, to: &bytes)
    func step(_ value: Float) -> UInt8 {
      // In one rounding, as processors with a fused product give the reference.
      UInt8(max(0, min(15, Float(8.5).addingProduct(value, inverse).rounded(.towardZero))))
    }
    for index in 0..<blockCount / 2 {
      bytes.append(step(block[index]) | step(block[index + blockCount / 2]) << 4)
    }
  }
}
