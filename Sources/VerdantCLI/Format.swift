import Verdant

/// Numbers as people read them.
enum Format {
  /// A number with a fixed count of decimals.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return "–" }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let rounded = (value.magnitude * scale).rounded()
    guard rounded < 1e15 else { return "\(value)" }
    let digits = String(Int(rounded))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    let sign = value < 0 && rounded > 0 ? "-" : ""
    return decimals == 0
      ? sign + padded : "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
  }

  /// A count with thousands separated.
  static func count(_ value: Int) -> String {
    var text = ""
    for (index, digit) in String(value.magnitude).reversed().enumerated() {
      if index > 0 && index % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return (value < 0 ? "-" : "") + String(text.reversed())
  }

  /// A count from a file, which may be any number.
  static func count(_ value: Double) -> String {
    Int(exactly: value.rounded()).map { count($0) } ?? "–"
  }

  /// Bytes from a file, which may be any number.
  static func bytes(_ value: Double) -> String {
    Int(exactly: value.rounded()).map { bytes($0) } ?? "–"
  }

  /// A number with three digits and a decimal unit: 3.21 M.
  static func short(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    let units = ["", " k", " M", " G", " T", " P", " E"]
    var scaled = value
    var unit = 0
    while scaled.magnitude >= 999.5 && unit < units.count - 1 {
      scaled /= 1000
      unit += 1
    }
    let decimals = unit == 0 && scaled == scaled.rounded() ? 0 : scaled.magnitude < 9.995 ? 2 : 1
    return fixed(scaled, decimals) + units[unit]
  }

  /// Bytes with a binary unit.
  static func bytes(_ value: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var scaled = Double(value)
    var unit = 0
    while scaled >= 1023.5 && unit < units.count - 1 {
      scaled /= 1024
      unit += 1
    }
    return fixed(scaled, unit == 0 || scaled >= 99.95 ? 0 : 1) + " " + units[unit]
  }

  /// Seconds as 1:02:03, 2:03 or 4.5 s.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "–" }
    guard seconds >= 60 else { return fixed(seconds, 1) + " s" }
    let whole = Int(seconds.rounded())
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    return hours > 0
      ? "\(hours):\(two(minutes)):\(two(whole % 60))" : "\(minutes):\(two(whole % 60))"
  }

  /// A learning rate: 9.3e-04.
  static func rate(_ value: Double) -> String {
    guard value > 0, value.isFinite else { return "0" }
    var exponent = 0
    var mantissa = value
    while mantissa < 1 {
      mantissa *= 10
      exponent -= 1
    }
    while mantissa >= 10 {
      mantissa /= 10
      exponent += 1
    }
    return "\(fixed(mantissa, 2))e\(exponent)"
  }
}
