/// Reads the numbers of a generated table: five bits a character, the sixth says that more follow.
struct TableReader {
  private let text: StaticString
  private var position = 0

  init(_ text: StaticString) { self.text = text }

  var isAtEnd: Bool { position >= text.utf8CodeUnitCount }

  mutating func number() -> Int {
    var value = 0
    var shift = 0
    while position < text.utf8CodeUnitCount {
      let digit = Self.digit(text.utf8Start[position])
      position += 1
      value |= (digit & 31) << shift
      if digit < 32 { break }
      shift += 5
    }
    return value
  }

  mutating func signed() -> Int {
    let value = number()
    return value & 1 == 0 ? value / 2 : -(value + 1) / 2
  }

  /// Entries of a scalar and the scalars it becomes.
  mutating func mappings() -> ScalarMap {
    var map = ScalarMap()
    var key = 0
    while !isAtEnd {
      key += number()
      let count = number()
      map.add(UInt32(key), (0..<count).map { _ in UInt32(key + signed()) })
    }
    return map
  }

  private static func digit(_ byte: UInt8) -> Int {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte) - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte) - 97 + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 48 + 52
    case UInt8(ascii: "+"): 62
    default: 63
    }
  }
}

/// What single scalars become, by rising scalar.
struct ScalarMap: Sendable {
  private var keys: [UInt32] = []
  private var ends: [Int] = []
  private var targets: [UInt32] = []

  mutating func add(_ key: UInt32, _ target: [UInt32]) {
    keys.append(key)
    targets += target
    ends.append(targets.count)
  }

  /// What a scalar becomes; nil for itself.
  func find(_ scalar: UInt32) -> ArraySlice<UInt32>? {
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) / 2
      if keys[middle] < scalar { low = middle + 1 } else { high = middle }
    }
    guard low < keys.count, keys[low] == scalar else { return nil }
    return targets[(low == 0 ? 0 : ends[low - 1])..<ends[low]]
  }
}
