/// Something that a check found to be wrong.
public struct Finding: Sendable, CustomStringConvertible {
  /// What was checked.
  public let subject: String
  /// What is wrong with it.
  public let problem: String

  /// Makes a finding.
  public init(_ subject: String, _ problem: String) {
    self.subject = subject
    self.problem = problem
  }

  /// Both in one line.
  public var description: String { "\(subject): \(problem)" }
}

/// How far two results may lie apart: `|a - b| <= relative · max(1, largest |b|)`.
///
/// Sums of n terms are wrong by some √n roundings of the largest term, not of each result, so the
/// largest number of a tensor is the yardstick of all its numbers.
public struct Tolerance: Sendable {
  /// The factor.
  public let relative: Double

  /// Makes a tolerance.
  public init(relative: Double) { self.relative = relative }

  /// Central differences in f64 with a step of 1e-5: their own error is about h² = 1e-10 times
  /// the third derivative, plus 1e-16 / h = 1e-11 times the sum.
  public static let centralDifferences = Tolerance(relative: 1e-7)
  /// f32 kernels against f64: sixty-four roundings of 2⁻²⁴, for sums of some hundred terms and a
  /// few operations one after the other.
  public static let float32 = Tolerance(relative: 64 * 0x1p-24)
  /// bf16 keeps eight bits: half a unit in the last place is 2⁻⁹ of the number.
  public static let bfloat16 = Tolerance(relative: 0x1p-9)

  /// The first place where two lists differ by more, or nil.
  public func difference(_ found: [Double], _ expected: [Double]) -> String? {
    guard found.count == expected.count else {
      return "\(found.count) numbers, \(expected.count) expected"
    }
    let scale = expected.reduce(1) { max($0, $1.isFinite ? abs($1) : 0) }
    for (index, (a, b)) in zip(found, expected).enumerated() {
      if a == b || (a.isNaN && b.isNaN) { continue }
      let error = abs(a - b)
      if !(error <= relative * scale) {
        return "element \(index) is \(a), expected \(b); apart by \(error / scale) of the largest"
      }
    }
    return nil
  }
}
