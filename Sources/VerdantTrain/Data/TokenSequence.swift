public import VerdantBase

/// The tokens of documents, each document followed by the separator, wherever they lie.
public protocol TokenSequence: Sendable {
  /// The tokens.
  var count: Int { get }
  /// Bytes of the documents, separators not counted.
  var byteCount: Int { get }
  /// The number of documents.
  var documentCount: Int { get }
  /// Adds the tokens of a range to a list.
  ///
  /// - Throws: ``DataError`` when they cannot be read any more.
  func append(_ range: Range<Int>, to list: inout [Int32]) throws(DataError)
  /// Tells whether two runs read the same tokens; no protection.
  ///
  /// - Throws: ``DataError`` when they cannot be read any more.
  func fingerprint() throws(DataError) -> TokenFingerprint
}

/// FNV-1a over tokens (Fowler, Noll and Vo; a token is one step).
public struct TokenFingerprint: Sendable, Equatable, CustomStringConvertible {
  /// The hash.
  public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  /// Of no token.
  public init() {}

  /// Of tokens.
  public init(_ ids: some Sequence<Int32>) { add(ids) }

  /// The hash as hexadecimal digits.
  public var description: String { String(value, radix: 16) }

  /// Adds tokens at the end.
  public mutating func add(_ ids: some Sequence<Int32>) {
    for id in ids { value = (value ^ UInt64(UInt32(bitPattern: id))) &* 0x100_0000_01B3 }
  }
}

/// Several sequences as one.
public struct JoinedTokens: TokenSequence {
  private let parts: [any TokenSequence]
  private let starts: [Int]
  /// The tokens.
  public let count: Int

  /// Joins sequences.
  public init(_ parts: [any TokenSequence]) {
    self.parts = parts
    var starts: [Int] = []
    var count = 0
    for part in parts {
      starts.append(count)
      count += part.count
    }
    self.starts = starts
    self.count = count
  }

  /// Bytes of the documents, separators not counted.
  public var byteCount: Int { parts.reduce(0) { $0 + $1.byteCount } }
  /// The number of documents.
  public var documentCount: Int { parts.reduce(0) { $0 + $1.documentCount } }

  /// Adds the tokens of a range to a list.
  public func append(_ range: Range<Int>, to list: inout [Int32]) throws(DataError) {
    for (start, part) in zip(starts, parts) {
      let inside = range.clamped(to: start..<start + part.count)
      guard !inside.isEmpty else { continue }
      try part.append(inside.lowerBound - start..<inside.upperBound - start, to: &list)
    }
  }

  /// The hash of all tokens.
  public func fingerprint() throws(DataError) -> TokenFingerprint {
    var hash = TokenFingerprint()
    let piece = 1 << 20
    for start in stride(from: 0, to: count, by: piece) {
      var list: [Int32] = []
      try append(start..<min(count, start + piece), to: &list)
      hash.add(list)
    }
    return hash
  }
}
