import Testing
import Verdant
import VerdantTestKit

@Suite(.serialized) struct BFloat16Tests {
  @Test(arguments: Compute.instructionSets)
  func conversions(_ name: String) async {
    await #expect(processExitsWith: .success) { [name] in
      Compute.select(instructionSet: name)
      allPatternsSurvive()
      roundingIsToNearestEven()
    }
  }

  @Test func overflowAndNaN() {
    let values: [Float] = [
      3.3895314e38, 3.3961775e38, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
      .infinity, Float(bitPattern: 0x7F80_0001), Float(bitPattern: 0xFFFF_FFFF),
      Float(bitPattern: 0x7FFF_8000),
    ]
    let bits = narrow(values)
    #expect(bits[0] == 0x7F7F && bits[1] == 0x7F80 && bits[2] == 0x7F80 && bits[3] == 0xFF80)
    #expect(bits[4] == 0x7F80)
    for pattern in bits[5...] { #expect(pattern & 0x7F80 == 0x7F80 && pattern & 0x7F != 0) }
  }
}

private func narrow(_ values: [Float]) -> [UInt16] {
  let x = CPUBackend.shared.cast(Tensor(values, [values.count]), to: .bfloat16)
  return x.withUnsafeElements(as: UInt16.self) { Array($0) }
}

private func allPatternsSurvive() {
  let patterns = (0...UInt16.max).map { $0 }
  var x = Tensor(CPUBackend.shared.allocate(patterns.count, .bfloat16), shape: [patterns.count])
  x.withUnsafeMutableElements(as: UInt16.self) { elements in
    for (index, pattern) in patterns.enumerated() { elements[index] = pattern }
  }
  let wide = x.floats
  for (pattern, value) in zip(patterns, wide) {
    let isNaN = pattern & 0x7FFF > 0x7F80
    if isNaN ? !value.isNaN : value.bitPattern != UInt32(pattern) << 16 {
      Issue.record("\(pattern) widens to \(value)")
    }
  }
  for (pattern, back) in zip(patterns, narrow(wide)) {
    let isNaN = pattern & 0x7FFF > 0x7F80
    // A signalling NaN becomes quiet; everything else comes back as it was.
    if back != (isNaN ? pattern | 0x40 : pattern) { Issue.record("\(pattern) returns as \(back)") }
  }
}

private func roundingIsToNearestEven() {
  let upper = stride(from: 0, to: 0x1_0000, by: 7).map { UInt32($0) << 16 }
  let values = upper.flatMap { bits in
    [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF].map { Float(bitPattern: bits | $0) }
  }
  for (value, found) in zip(values, narrow(values)) where found != BFloat16Bits.rounded(value) {
    Issue.record("\(value) (\(value.bitPattern)) becomes \(found)")
  }
}
