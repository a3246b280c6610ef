/// What the tokenizer formats ask of a scalar; bits of `ScalarFlagsTable`.
///
/// The names follow the question and not Unicode, because each comes from another version of it.
struct ScalarFlags: OptionSet {
  let rawValue: UInt32

  /// `\p{L}` in patterns.
  static let letter = ScalarFlags(rawValue: 1 << 0)
  /// `\p{N}` in patterns.
  static let number = ScalarFlags(rawValue: 1 << 1)
  /// White space everywhere.
  static let space = ScalarFlags(rawValue: 1 << 2)
  /// A digit of the pre-tokenizer `Digits`.
  static let numeric = ScalarFlags(rawValue: 1 << 3)
  /// Punctuation of BERT.
  static let punctuation = ScalarFlags(rawValue: 1 << 4)
  /// Deleted by BERT's cleaning.
  static let control = ScalarFlags(rawValue: 1 << 5)
  /// Deleted by BERT's removal of accents.
  static let nonspacing = ScalarFlags(rawValue: 1 << 6)
  /// Deleted by `StripAccents`.
  static let combining = ScalarFlags(rawValue: 1 << 7)
  /// `\w`.
  static let word = ScalarFlags(rawValue: 1 << 8)
  /// Has a lower-case form.
  static let lowered = ScalarFlags(rawValue: 1 << 9)
  /// Has a canonical decomposition.
  static let canonical = ScalarFlags(rawValue: 1 << 10)
  /// Has a compatibility decomposition that differs from the canonical one.
  static let compatible = ScalarFlags(rawValue: 1 << 11)
  /// Has a combining class other than 0.
  static let reordered = ScalarFlags(rawValue: 1 << 12)
  /// Joins what stands before it to one character.
  static let joining = ScalarFlags(rawValue: 1 << 13)
  /// Joins what stands after it to one character.
  static let prepended = ScalarFlags(rawValue: 1 << 14)
  /// Can be joined to a pictograph before it by U+200D.
  static let pictograph = ScalarFlags(rawValue: 1 << 15)
  /// Upper or title case.
  static let upper = ScalarFlags(rawValue: 1 << 16)
  /// Lower case.
  static let lower = ScalarFlags(rawValue: 1 << 17)
  /// `\p{M}` in patterns.
  static let mark = ScalarFlags(rawValue: 1 << 18)
}

/// The flags of all scalars, in pages of 256 that equal neighbourhoods share.
struct ScalarProperties: Sendable {
  static let shared = ScalarProperties()

  private let pageOf = Block<UInt16>(repeating: 0, count: 0x1100)
  private let flags: Block<UInt32>

  private init() {
    var pages: [[UInt32]] = []
    var uniform: [UInt32: UInt16] = [:]
    var page: [UInt32] = []
    var reader = TableReader(ScalarFlagsTable.runs)
    var next = 0
    while !reader.isAtEnd {
      var left = reader.number()
      let value = ScalarFlagsTable.combinations[reader.number()]
      while left > 0 {
        let taken = min(left, 256 - page.count)
        page.append(contentsOf: repeatElement(value, count: taken))
        left -= taken
        guard page.count == 256 else { continue }
        if taken == 256, let known = uniform[value] {
          pageOf.base[next] = known
        } else {
          if taken == 256 { uniform[value] = UInt16(pages.count) }
          pageOf.base[next] = UInt16(pages.count)
          pages.append(page)
        }
        page.removeAll(keepingCapacity: true)
        next += 1
      }
    }
    flags = Block(repeating: 0, count: pages.count * 256)
    for (index, page) in pages.enumerated() {
      for (offset, value) in page.enumerated() { flags.base[index * 256 + offset] = value }
    }
  }

  @inline(__always)
  subscript(_ scalar: UInt32) -> ScalarFlags {
    // A scalar is below U+110000.
    let page = Int(pageOf.base[Int(scalar >> 8)])
    return ScalarFlags(rawValue: flags.base[page << 8 | Int(scalar & 0xFF)])
  }
}
