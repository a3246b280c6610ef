/// The offset of the first byte that begins no valid UTF-8 sequence, or nil when all is valid.
///
/// Overlong forms, surrogates, values beyond U+10FFFF and a sequence cut off at the end are
/// invalid.
///
/// - Complexity: O(count).
public func firstInvalidUTF8(in bytes: UnsafeRawBufferPointer) -> Int? {
  let count = bytes.count
  var i = 0
  while i < count {
    if count - i >= 8, bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self) & highBits == 0 {
      i += 8
      continue
    }
    let lead = bytes[i]
    if lead < 0x80 {
      i += 1
      continue
    }
    let length: Int
    var low: UInt8 = 0x80
    var high: UInt8 = 0xBF
    switch lead {
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, low) = (3, 0xA0)
    case 0xE1...0xEC, 0xEE...0xEF: length = 3
    case 0xED: (length, high) = (3, 0x9F)
    case 0xF0: (length, low) = (4, 0x90)
    case 0xF1...0xF3: length = 4
    case 0xF4: (length, high) = (4, 0x8F)
    default: return i
    }
    guard count - i >= length else { return i }
    guard bytes[i + 1] >= low, bytes[i + 1] <= high else { return i }
    for k in 2..<max(2, length) where bytes[i + k] & 0xC0 != 0x80 { return i }
    i += length
  }
  return nil
}

private let highBits: UInt64 = 0x8080_8080_8080_8080
