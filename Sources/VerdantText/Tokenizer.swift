/// Turns text into token ids and back.
public protocol Tokenizer: Sendable {
  /// The name in configurations.
  static var kind: String { get }
  /// Token ids are below this.
  var vocabulary: Int { get }
  /// Separates documents.
  var endOfDocument: Int32 { get }
  /// The ids of a text's bytes, appended to a list.
  func encode(_ bytes: UnsafeRawBufferPointer, into ids: inout [Int32])
  /// The bytes of one token; empty for special ones.
  func bytes(of id: Int32) -> [UInt8]
  /// The id of a token by its name; nil for a name that is none.
  func id(of token: String) -> Int32?
  /// Tells two tokenizers apart; no protection.
  var fingerprint: String { get }
}

extension Tokenizer {
  /// Nil: tokens have no names.
  public func id(of token: String) -> Int32? { nil }

  /// The kind.
  public var fingerprint: String { Self.kind }

  /// The ids of a text.
  public func encode(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    Array(text.utf8).withUnsafeBytes { encode($0, into: &ids) }
    return ids
  }

  /// The text of ids; bytes that are no valid UTF-8 become U+FFFD.
  public func decode(_ ids: [Int32]) -> String {
    String(decoding: ids.flatMap(bytes(of:)), as: UTF8.self)
  }
}
