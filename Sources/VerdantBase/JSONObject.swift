/// The members of a JSON object in the order in which they were written.
///
/// Keys are compared by their bytes. Looking up a key costs O(1).
public struct JSONObject: Sendable, Sequence, ExpressibleByDictionaryLiteral {
  /// A key with its value.
  public typealias Element = (key: String, value: JSONValue)

  private var members: [Element] = []
  private var positions: [ExactString: Int] = [:]

  /// Up to this size a scan is faster than hashing, and the index costs memory.
  private static let scanLimit = 12

  /// Makes an empty object.
  public init() {}

  /// Makes an object; of equal keys the last one wins.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    for (key, value) in elements { self[key] = value }
  }

  /// The number of members.
  public var count: Int { members.count }
  /// Whether there are no members.
  public var isEmpty: Bool { members.isEmpty }
  /// The keys in order.
  public var keys: [String] { members.map(\.key) }
  /// The values in the order of their keys.
  public var values: [JSONValue] { members.map(\.value) }

  /// An iterator over the members in order.
  public func makeIterator() -> IndexingIterator<[Element]> { members.makeIterator() }

  /// The value of a key.
  ///
  /// Setting replaces the value in place or appends the member; setting nil removes it, which
  /// costs O(count).
  public subscript(key: String) -> JSONValue? {
    get {
      guard let position = position(of: key) else { return nil }
      return members[position].value
    }
    set {
      switch (position(of: key), newValue) {
      case (let position?, let value?): members[position].value = value
      case (nil, let value?): append(key, value)
      case (let position?, nil):
        members.remove(at: position)
        rebuildIndex()
      case (nil, nil): break
      }
    }
  }

  /// Appends a member unless the key is there already.
  ///
  /// - Returns: Whether the member was appended.
  public mutating func appendIfNew(_ key: String, _ value: JSONValue) -> Bool {
    guard position(of: key) == nil else { return false }
    append(key, value)
    return true
  }

  private mutating func append(_ key: String, _ value: JSONValue) {
    members.append((key, value))
    if members.count == Self.scanLimit + 1 {
      rebuildIndex()
    } else if members.count > Self.scanLimit {
      positions[ExactString(key)] = members.count - 1
    }
  }

  private mutating func rebuildIndex() {
    positions = [:]
    guard members.count > Self.scanLimit else { return }
    for (position, member) in members.enumerated() {
      positions[ExactString(member.key)] = position
    }
  }

  private func position(of key: String) -> Int? {
    let key = ExactString(key)
    if members.count > Self.scanLimit { return positions[key] }
    return members.firstIndex { ExactString($0.key) == key }
  }
}

extension JSONObject: Equatable {
  /// Whether both have the same members, in any order.
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
  }
}
