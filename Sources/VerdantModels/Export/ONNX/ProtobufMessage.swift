import VerdantIO

/// A message of protocol buffers in its wire format (developers.google.com/protocol-buffers,
/// "Encoding"): fields one after the other, each with its number and the way it is written.
struct ProtobufMessage: Sendable {
  private enum Piece: Sendable {
    case bytes([UInt8])
    case deferred(DeferredBytes)
  }
  private enum WireType: UInt64 {
    case varint = 0
    case lengthDelimited = 2
    case fixed32 = 5
  }

  private var pieces: [Piece] = []
  /// Bytes of the whole message.
  private(set) var byteCount = 0

  /// An empty message.
  init() {}

  /// Adds a whole number or an enumeration's.
  mutating func add(_ field: Int, integer value: Int) {
    append(Self.key(field, .varint) + Self.varint(UInt64(bitPattern: Int64(value))))
  }

  /// Adds a number in f32.
  mutating func add(_ field: Int, float value: Float) {
    append(Self.key(field, .fixed32) + littleEndianBytes(value.bitPattern))
  }

  /// Adds a text.
  mutating func add(_ field: Int, _ text: String) {
    let bytes = Array(text.utf8)
    append(Self.key(field, .lengthDelimited) + Self.varint(UInt64(bytes.count)) + bytes)
  }

  /// Adds bytes that are made when they are written.
  mutating func add(_ field: Int, _ bytes: DeferredBytes) {
    append(Self.key(field, .lengthDelimited) + Self.varint(UInt64(bytes.count)))
    pieces.append(.deferred(bytes))
    byteCount += bytes.count
  }

  /// Adds a message.
  mutating func add(_ field: Int, _ message: ProtobufMessage) {
    append(Self.key(field, .lengthDelimited) + Self.varint(UInt64(message.byteCount)))
    for piece in message.pieces {
      switch piece {
      case .bytes(let bytes): append(bytes)
      case .deferred(let bytes):
        pieces.append(piece)
        byteCount += bytes.count
      }
    }
  }

  /// Writes the message to a file.
  func write(to output: OutputFile) throws {
    for piece in pieces {
      switch piece {
      case .bytes(let bytes): try output.write(bytes)
      case .deferred(let bytes): try bytes.write(to: output)
      }
    }
  }

  private mutating func append(_ bytes: [UInt8]) {
    byteCount += bytes.count
    if case .bytes(var last) = pieces.last {
      // Taken out first, so that it grows in place.
      pieces.removeLast()
      last += bytes
      pieces.append(.bytes(last))
    } else {
      pieces.append(.bytes(bytes))
    }
  }

  private static func key(_ field: Int, _ type: WireType) -> [UInt8] {
    varint(UInt64(field) << 3 | type.rawValue)
  }

  /// Seven bits a byte, the lowest first; the highest bit says that more follow.
  static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}
