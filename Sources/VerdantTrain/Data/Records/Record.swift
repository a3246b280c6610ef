public import VerdantBase

/// One record of a data file: a line of JSONL or a row of a table, with the fields asked for.
public struct Record: Sendable {
  /// A field as the file has it.
  enum Value: Sendable {
    /// A field of a table.
    case text([UInt8])
    /// A field of a JSON object.
    case json(JSONValue)
  }

  /// Where the record begins.
  public let place: RecordPlace

  private let names: [FieldName]
  private let values: [Value?]
  private let places: [RecordPlace]

  /// Makes a record.
  ///
  /// - Parameter places: Where each field begins; empty when only the record's place is known.
  init(
    _ place: RecordPlace, names: [FieldName], values: [Value?], places: [RecordPlace] = []
  ) {
    self.place = place
    self.names = names
    self.values = values
    self.places = places
  }

  /// Where a field begins, or its record.
  public func place(of field: FieldName) -> RecordPlace {
    guard let index = names.firstIndex(of: field), index < places.count else { return place }
    return places[index]
  }

  /// The bytes of a text; may be empty.
  ///
  /// - Throws: ``DataError`` when the field is absent or no text.
  public func text(_ field: FieldName) throws(DataError) -> [UInt8] {
    switch try value(field) {
    case .text(let bytes): return bytes
    case .json(.string(let text)): return Array(text.utf8)
    case .json(let json): throw wrongType(field, json, "a text expected")
    }
  }

  /// The bytes of a text that may not be empty.
  ///
  /// - Throws: ``DataError`` when the field is absent, no text or empty.
  public func content(_ field: FieldName) throws(DataError) -> [UInt8] {
    let bytes = try text(field)
    guard !bytes.isEmpty else { throw isEmpty(field) }
    return bytes
  }

  /// The name of a label: a text that is not empty, or an integer.
  ///
  /// - Throws: ``DataError`` when the field is absent, empty or of another type.
  public func label(_ field: FieldName) throws(DataError) -> String {
    let name: String
    switch try value(field) {
    case .text(let bytes): name = String(decoding: bytes, as: UTF8.self)
    case .json(.string(let text)): name = text
    case .json(.integer(let number)): name = "\(number)"
    case .json(let json): throw wrongType(field, json, "a text or an integer expected")
    }
    guard !name.isEmpty else { throw isEmpty(field) }
    return name
  }

  private func value(_ field: FieldName) throws(DataError) -> Value {
    guard let index = names.firstIndex(of: field), let value = values[index] else {
      throw place.error(
        .missingField, "no field '\(escaped(field.name))'",
        rule: "each record has the field '\(escaped(field.name))'",
        advice: "data.fields gives the names of the fields")
    }
    return value
  }

  private func wrongType(_ field: FieldName, _ json: JSONValue, _ rule: String) -> DataError {
    place(of: field).error(
      .wrongType, "'\(escaped(field.name))' is of type \(json.typeName)", rule: rule)
  }

  private func isEmpty(_ field: FieldName) -> DataError {
    place(of: field).error(
      .empty, "'\(escaped(field.name))' is empty", rule: "a field that is used is not empty")
  }
}
