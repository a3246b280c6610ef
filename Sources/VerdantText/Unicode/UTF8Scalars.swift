/// The scalar at a place of valid UTF-8, and its bytes.
@inline(__always)
func decodeScalar(_ text: UnsafePointer<UInt8>, _ i: Int) -> (scalar: UInt32, size: Int) {
  let lead = UInt32(text[i])
  if lead < 0x80 { return (lead, 1) }
  let second = UInt32(text[i &+ 1] & 0x3F)
  if lead < 0xE0 { return ((lead & 0x1F) << 6 | second, 2) }
  let third = UInt32(text[i &+ 2] & 0x3F)
  if lead < 0xF0 { return ((lead & 0x0F) << 12 | second << 6 | third, 3) }
  let fourth = UInt32(text[i &+ 3] & 0x3F)
  return ((lead & 0x07) << 18 | second << 12 | third << 6 | fourth, 4)
}

/// The bytes of the scalar that a byte begins.
@inline(__always)
func scalarSize(_ lead: UInt8) -> Int { lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4 }

/// Appends the UTF-8 bytes of a scalar and returns their number.
@inline(__always)
@discardableResult
func appendScalar(_ scalar: UInt32, to bytes: inout [UInt8]) -> Int {
  switch scalar {
  case 0..<0x80:
    bytes.append(UInt8(truncatingIfNeeded: scalar))
    return 1
  case 0x80..<0x800:
    bytes.append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
    bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    return 2
  case 0x800..<0x10000:
    bytes.append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
    bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
    bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    return 3
  default:
    bytes.append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
    bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3F))
    bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
    bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    return 4
  }
}

extension Sequence<UInt8> {
  /// The number of scalars in valid UTF-8.
  var scalarCount: Int { reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) } }
}

extension Array<UInt8> {
  /// The scalars of valid UTF-8.
  var scalars: [UInt32] {
    withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return [] }
      var result: [UInt32] = []
      var i = 0
      while i < buffer.count {
        let (scalar, size) = decodeScalar(base, i)
        result.append(scalar)
        i += size
      }
      return result
    }
  }

  /// The bytes with U+FFFD in the place of what is no valid UTF-8.
  init(repairing bytes: UnsafeRawBufferPointer) {
    self = Array(String(decoding: bytes, as: UTF8.self).utf8)
  }
}
