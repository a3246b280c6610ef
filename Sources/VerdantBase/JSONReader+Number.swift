extension JSONReader {
  /// A number with more characters than this is refused, so that converting it stays cheap.
  private static let longestNumber = 4_096

  /// Reads a number, which must come next.
  package mutating func number() throws(JSONError) -> JSONValue {
    guard peek() != nil else { throw unexpected("expected a number") }
    let start = position
    let isNegative = skip(UInt8(ascii: "-"))
    let firstDigit = position
    guard skipDigits() > 0 else { throw badNumber(start) }
    if bytes[firstDigit] == UInt8(ascii: "0"), position - firstDigit > 1 {
      throw invalidNumber(start)
    }
    var isInteger = true
    if skip(UInt8(ascii: ".")) {
      isInteger = false
      guard skipDigits() > 0 else { throw badNumber(start) }
    }
    if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
      isInteger = false
      if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
      guard skipDigits() > 0 else { throw badNumber(start) }
    }
    if isInteger, let value = integer(firstDigit..<position, isNegative: isNegative) {
      return .integer(value)
    }
    guard position - start <= Self.longestNumber,
      let value = Double(String(decoding: bytes[start..<position], as: UTF8.self)), value.isFinite
    else {
      throw failure(
        .numberOutOfRange,
        "a number is out of range",
        at: start,
        rule: "numbers fit a 64-bit float and have at most \(Self.longestNumber) characters"
      )
    }
    return .number(value)
  }

  private func integer(_ digits: Range<Int>, isNegative: Bool) -> Int? {
    if isNegative, digits.count == 1, bytes[digits.lowerBound] == UInt8(ascii: "0") { return nil }
    var value = 0
    for i in digits {
      let digit = Int(bytes[i]) - 0x30
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) =
        isNegative
        ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
      if overflow || carry { return nil }
      value = sum
    }
    return value
  }

  private mutating func skip(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
    return position - start
  }

  /// The error for a number that lacks digits at the current place.
  private func badNumber(_ start: Int) -> JSONError {
    if position >= bytes.count {
      return failure(.unexpectedEnd, "the JSON text ends inside a number", at: start)
    }
    return invalidNumber(start)
  }

  private func invalidNumber(_ start: Int) -> JSONError {
    failure(
      .invalidNumber,
      "a number that does not follow JSON's syntax",
      at: start,
      rule: "no leading zeros or plus sign, digits on both sides of the point"
    )
  }
}
