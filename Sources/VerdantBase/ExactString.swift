/// A string compared and ordered by its UTF-8 bytes.
///
/// `String` treats canonically equivalent texts as equal. Names in files are distinct whenever
/// their bytes differ, so that dictionaries keyed by such names need this type.
public struct ExactString: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The text.
  public let string: String

  /// Wraps a string.
  public init(_ string: String) { self.string = string }

  /// The text.
  public var description: String { string }

  /// Whether the UTF-8 bytes are the same.
  public static func == (left: Self, right: Self) -> Bool {
    left.string.utf8.count == right.string.utf8.count
      && left.string.utf8.elementsEqual(right.string.utf8)
  }

  /// Whether the UTF-8 bytes come first in lexicographic order.
  public static func < (left: Self, right: Self) -> Bool {
    left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
  }

  /// Feeds the UTF-8 bytes and their number to a hasher.
  public func hash(into hasher: inout Hasher) {
    let done: Void? = string.utf8.withContiguousStorageIfAvailable {
      hasher.combine(bytes: UnsafeRawBufferPointer($0))
    }
    if done == nil {
      for byte in string.utf8 { hasher.combine(byte) }
    }
    hasher.combine(string.utf8.count)
  }
}
