/// The bytes that text in base 64 stands for (RFC 4648); nil for other text.
func decodeBase64(_ text: [UInt8]) -> [UInt8]? {
  var result: [UInt8] = []
  result.reserveCapacity(text.count / 4 * 3)
  var bits: UInt32 = 0
  var count = 0
  var padding = 0
  for byte in text {
    let digit: UInt32
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = UInt32(byte) - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = UInt32(byte) - 97 + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt32(byte) - 48 + 52
    case UInt8(ascii: "+"): digit = 62
    case UInt8(ascii: "/"): digit = 63
    case UInt8(ascii: "="):
      padding += 1
      continue
    default: return nil
    }
    guard padding == 0 else { return nil }
    bits = bits << 6 | digit
    count += 1
    if count % 4 == 0 {
      result.append(UInt8(truncatingIfNeeded: bits >> 16))
      result.append(UInt8(truncatingIfNeeded: bits >> 8))
      result.append(UInt8(truncatingIfNeeded: bits))
    }
  }
  guard (count + padding) % 4 == 0, padding < 3 else { return nil }
  switch count % 4 {
  case 2: result.append(UInt8(truncatingIfNeeded: bits >> 4))
  case 3:
    result.append(UInt8(truncatingIfNeeded: bits >> 10))
    result.append(UInt8(truncatingIfNeeded: bits >> 2))
  default: break
  }
  return result
}
