/// A number in JSON as the reference reads it, which is not always the nearest one.
///
/// The reference takes the digits as one integer and divides by a power of ten. The last bit of a
/// score decides between cuts of a word that are equally good, so that it has to be the same.
///
/// - Parameter text: A number that follows the syntax of JSON.
func referenceNumber(_ text: some Sequence<UInt8>) -> Double {
  var significand: UInt64 = 0
  var exponent = 0
  var written = 0
  var isNegative = false
  var isExponentNegative = false
  var isFraction = false
  var isExponent = false
  var isFull = false
  for byte in text {
    switch byte {
    case UInt8(ascii: "-"): if isExponent { isExponentNegative = true } else { isNegative = true }
    case UInt8(ascii: "."): isFraction = true
    case UInt8(ascii: "e"), UInt8(ascii: "E"): isExponent = true
    case 0x30...0x39:
      let digit = UInt64(byte - 0x30)
      if isExponent {
        written = min(written * 10 + Int(digit), 1_000_000)
        continue
      }
      let (product, overflow) = significand.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(digit)
      isFull = isFull || overflow || carry
      if isFull {
        // Further digits only count as places before the point.
        exponent += isFraction ? 0 : 1
      } else {
        significand = sum
        exponent -= isFraction ? 1 : 0
      }
    default: break
    }
  }
  exponent += isExponentNegative ? -written : written
  var value = Double(significand)
  while exponent < -308, value != 0 {
    value /= 1e308
    exponent += 308
  }
  // Literals are the nearest numbers; multiplying tens would not be.
  let power = Double("1e\(min(abs(exponent), 308))") ?? 1
  value = exponent < 0 ? value / power : value * power
  return isNegative ? -value : value
}
