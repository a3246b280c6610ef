/// Decompositions, combining classes and compositions.
struct NormalFormData: Sendable {
  static let shared = NormalFormData()

  private let canonical: ScalarMap
  private let compatible: ScalarMap
  /// Rising first scalars of the runs of one combining class, and the classes.
  private let classStarts: [UInt32]
  private let classes: [UInt8]
  private let compositions: [UInt64: UInt32]
  private let seconds: Set<UInt32>

  private init() {
    var reader = TableReader(CanonicalTable.decompositions)
    canonical = reader.mappings()
    reader = TableReader(CompatibilityTable.decompositions)
    compatible = reader.mappings()

    var starts: [UInt32] = []
    var values: [UInt8] = []
    var position = 0
    reader = TableReader(CanonicalTable.classes)
    while !reader.isAtEnd {
      starts.append(UInt32(position))
      position += reader.number()
      values.append(UInt8(reader.number()))
    }
    classStarts = starts
    classes = values

    var pairs: [UInt64: UInt32] = [:]
    var seconds: Set<UInt32> = []
    var first = 0
    reader = TableReader(CanonicalTable.compositions)
    while !reader.isAtEnd {
      first += reader.number()
      let second = first + reader.signed()
      pairs[UInt64(first) << 32 | UInt64(second)] = UInt32(first + reader.signed())
      seconds.insert(UInt32(second))
    }
    compositions = pairs
    self.seconds = seconds
  }

  /// What a scalar with these flags decomposes to, completely.
  func decomposition(of scalar: UInt32, isCompatible: Bool, _ flags: ScalarFlags)
    -> ArraySlice<UInt32>
  {
    if Hangul.syllables.contains(scalar) { return Hangul.decomposition(of: scalar) }
    if isCompatible, flags.contains(.compatible), let parts = compatible.find(scalar) {
      return parts
    }
    if flags.contains(.canonical), let parts = canonical.find(scalar) { return parts }
    return [scalar]
  }

  /// The canonical combining class.
  func combiningClass(_ scalar: UInt32) -> UInt8 {
    guard ScalarProperties.shared[scalar].contains(.reordered) else { return 0 }
    var low = 0
    var high = classStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if classStarts[middle] <= scalar { low = middle } else { high = middle }
    }
    return classes[low]
  }

  /// Whether some composition has this scalar as its second part.
  func mayBeSecond(_ scalar: UInt32) -> Bool {
    Hangul.isSecond(scalar) || seconds.contains(scalar)
  }

  /// The scalar that two compose to.
  func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
    Hangul.composition(first, second) ?? compositions[UInt64(first) << 32 | UInt64(second)]
  }
}

/// Korean syllables, which decompose by arithmetic (Unicode, section 3.12).
enum Hangul {
  static let syllables: ClosedRange<UInt32> = 0xAC00...0xD7A3

  private static let leads: Range<UInt32> = 0x1100..<0x1113
  private static let vowels: Range<UInt32> = 0x1161..<0x1176
  /// Without the place 0x11A7, which stands for no tail.
  private static let tails: Range<UInt32> = 0x11A8..<0x11C3

  static func decomposition(of syllable: UInt32) -> ArraySlice<UInt32> {
    let index = syllable - 0xAC00
    let lead = 0x1100 + index / 588
    let vowel = 0x1161 + index % 588 / 28
    let tail = index % 28
    return tail == 0 ? [lead, vowel] : [lead, vowel, 0x11A7 + tail]
  }

  static func isSecond(_ scalar: UInt32) -> Bool {
    vowels.contains(scalar) || tails.contains(scalar)
  }

  static func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if leads.contains(first), vowels.contains(second) {
      return 0xAC00 + ((first - 0x1100) * 21 + second - 0x1161) * 28
    }
    if syllables.contains(first), (first - 0xAC00) % 28 == 0, tails.contains(second) {
      return first + second - 0x11A7
    }
    return nil
  }
}
