import VerdantBase
import VerdantIO

/// Bytes of known number that are made when they are written, so that a file never stands in memory
/// as a whole.
struct DeferredBytes: Sendable {
  /// How many there will be.
  let count: Int
  /// Makes them.
  let make: @Sendable () throws -> [UInt8]

  init(count: Int, _ make: @escaping @Sendable () throws -> [UInt8]) {
    self.count = count
    self.make = make
  }

  /// Numbers in f32, little-endian.
  init(floats count: Int, _ make: @escaping @Sendable () -> [Float]) {
    self.init(count: 4 * count) { littleEndianBytes(make().map(\.bitPattern)) }
  }

  /// Appends the bytes to a file.
  func write(to output: OutputFile) throws {
    let bytes = try make()
    require(bytes.count == count, "[export] \(bytes.count) bytes where \(count) were announced")
    try output.write(bytes)
  }
}

/// The bytes of integers, the lowest first.
func littleEndianBytes<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
  numbers.map(\.littleEndian).withUnsafeBytes { Array($0) }
}

/// The bytes of an integer, the lowest first.
func littleEndianBytes(_ number: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
