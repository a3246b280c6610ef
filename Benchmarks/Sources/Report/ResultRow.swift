import Verdant

/// One row of a results file.
struct ResultRow: Equatable {
  /// What ends the name of the row against the peer as it is installed.
  static let asInstalledSuffix = "-as-installed"

  var name: String
  var precision: String
  var unit: String
  var ours: Double
  var oursPeakBytes: Int
  /// The part of this machine's limit that our figure reaches.
  var limitShare: Double
  var peer: Double?
  var peerName: String?
  var peerPeakBytes: Int?
  /// Above 1 ours is better, whatever the unit.
  var ratio: Double?
  /// Rounds that count.
  var rounds: Int
  /// Rounds whose reference product differed too much.
  var discarded: Int

  /// What tells rows of one file apart.
  var key: String { "\(name) \(precision)" }

  var isAsInstalled: Bool { name.hasSuffix(Self.asInstalledSuffix) }

  /// The name without what marks the peer.
  var baseName: String {
    isAsInstalled ? String(name.dropLast(Self.asInstalledSuffix.count)) : name
  }

  var json: JSONValue {
    [
      "name": .string(name), "precision": .string(precision), "unit": .string(unit),
      "ours": .number(rounded(ours)), "peer": peer.map { .number(rounded($0)) } ?? .null,
      "peer_name": peerName.map { .string($0) } ?? .null,
      "ratio": ratio.map { .number(rounded($0)) } ?? .null,
      "limit_share": .number(rounded(limitShare)), "ours_peak_bytes": .integer(oursPeakBytes),
      "peer_peak_bytes": peerPeakBytes.map { .integer($0) } ?? .null,
      "rounds": .integer(rounds), "discarded": .integer(discarded),
    ]
  }
}

extension ResultRow {
  /// Reads a row.
  ///
  /// - Throws: ``DataError`` that names the key that is missing or of another type.
  init(_ json: JSONValue, file: String) throws {
    func found<T>(_ key: String, _ value: T?) throws -> T {
      guard let value else {
        throw DataError(
          .missingField, "a row without '\(key)'", file: file, rule: "scripts/bench writes it")
      }
      return value
    }
    func optional(_ key: String) -> JSONValue? { json[key].flatMap { $0.isNull ? nil : $0 } }
    name = try found("name", json["name"]?.stringValue)
    precision = try found("precision", json["precision"]?.stringValue)
    unit = try found("unit", json["unit"]?.stringValue)
    ours = try found("ours", json["ours"]?.doubleValue)
    oursPeakBytes = try found("ours_peak_bytes", json["ours_peak_bytes"]?.intValue)
    limitShare = try found("limit_share", json["limit_share"]?.doubleValue)
    peer = optional("peer")?.doubleValue
    peerName = optional("peer_name")?.stringValue
    peerPeakBytes = optional("peer_peak_bytes")?.intValue
    ratio = optional("ratio")?.doubleValue
    rounds = json["rounds"]?.intValue ?? 0
    discarded = json["discarded"]?.intValue ?? 0
  }
}

/// A number with four digits: more would claim what no benchmark knows.
func rounded(_ value: Double) -> Double {
  guard value.isFinite, value != 0 else { return value }
  var scale = 1.0
  while value.magnitude * scale < 1000 { scale *= 10 }
  while value.magnitude * scale >= 10000 { scale /= 10 }
  return scale >= 1 ? (value * scale).rounded() / scale : value.rounded()
}
