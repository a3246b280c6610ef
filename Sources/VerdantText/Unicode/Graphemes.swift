/// The end of the character of several scalars that begins at a place (UAX #29, extended).
///
/// Exact for what decides about characters of fewer than six bytes; pairs of regional indicators
/// and Indic conjuncts are longer in any case and end early.
func graphemeEnd(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
  let properties = ScalarProperties.shared
  var (last, size) = decodeScalar(text, start)
  var end = start + size
  var isPictograph = last >= 0x80 && properties[last].contains(.pictograph)
  while end < count {
    // Two characters of ASCII join only as a line end.
    if last < 0x80, text[end] < 0x80 {
      return last == 0x0D && text[end] == 0x0A ? end + 1 : end
    }
    let next = decodeScalar(text, end)
    let flags = properties[next.scalar]
    let lastFlags = properties[last]
    let isControl = last < 0x20 || last == 0x7F
    let joins =
      flags.contains(.joining) && !isControl && !isSeparator(last)
      || lastFlags.contains(.prepended) && !isBreaking(next.scalar)
      || last == 0x200D && isPictograph && flags.contains(.pictograph)
      || Hangul.joins(last, next.scalar)
    guard joins else { return end }
    if !flags.contains(.joining) { isPictograph = flags.contains(.pictograph) }
    last = next.scalar
    end += next.size
  }
  return end
}

/// Whether a scalar beyond ASCII is a control that nothing joins.
private func isSeparator(_ scalar: UInt32) -> Bool {
  switch scalar {
  case 0x80...0x9F, 0xAD, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F,
    0xFEFF, 0xFFF0...0xFFFB, 0x13430...0x1343F, 0x1BCA0...0x1BCA3, 0x1D173...0x1D17A,
    0xE0000...0xE001F, 0xE0080...0xE00FF, 0xE01F0...0xE0FFF:
    true
  default: false
  }
}

private func isBreaking(_ scalar: UInt32) -> Bool {
  scalar < 0x20 || scalar == 0x7F || isSeparator(scalar)
}

extension Hangul {
  /// Whether two scalars belong to one syllable (rules GB6 to GB8).
  static func joins(_ first: UInt32, _ second: UInt32) -> Bool {
    guard first >= 0x1100, second >= 0x1100 else { return false }
    let isSyllable = syllables.contains(second)
    if isLead(first) { return isLead(second) || isVowel(second) || isSyllable }
    if isVowel(first) || syllables.contains(first) && (first - 0xAC00) % 28 == 0 {
      return isVowel(second) || isTail(second)
    }
    if isTail(first) || syllables.contains(first) { return isTail(second) }
    return false
  }

  private static func isLead(_ scalar: UInt32) -> Bool {
    0x1100...0x115F ~= scalar || 0xA960...0xA97C ~= scalar
  }

  private static func isVowel(_ scalar: UInt32) -> Bool {
    0x1160...0x11A7 ~= scalar || 0xD7B0...0xD7C6 ~= scalar
  }

  private static func isTail(_ scalar: UInt32) -> Bool {
    0x11A8...0x11FF ~= scalar || 0xD7CB...0xD7FB ~= scalar
  }
}
