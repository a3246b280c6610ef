import VerdantBase

/// The columns of a table that hold the fields asked for.
struct TableColumns {
  private let columns: [Int?]
  private var count: Int?
  private let counts: String

  /// Finds the fields by the names in the first row.
  ///
  /// - Throws: ``DataError`` when a name appears twice; a field that is absent is an error only
  ///   where it is used.
  init(header: [TableScanner.Field], _ fields: [FieldName]) throws(DataError) {
    var found: [ExactString: Int] = [:]
    for (index, field) in header.enumerated() {
      let name = String(decoding: field.text, as: UTF8.self)
      guard found.updateValue(index, forKey: ExactString(name)) == nil else {
        throw field.place.error(
          .duplicateKey, "the column '\(escaped(name))' appears twice",
          rule: "the first row names each column once",
          advice: "data.header: false takes columns by their numbers")
      }
    }
    columns = fields.map { found[ExactString($0.name)] }
    count = header.count
    counts = "the first row has"
    if let absent = fields.first(where: { found[ExactString($0.name)] == nil }),
      let place = header.first?.place
    {
      let names = header.map { escaped(String(decoding: $0.text, as: UTF8.self), limit: 40) }
      throw place.error(
        .missingField, "no column '\(escaped(absent.name))'",
        rule: "columns: \(names.prefix(20).joined(separator: ", "))",
        advice: nearest(to: absent.name, in: names).map { "did you mean '\($0)'?" }
          ?? "data.fields names the columns; data.header: false takes their numbers")
    }
  }

  /// Takes the fields as numbers of columns, from 1.
  ///
  /// - Throws: ``DataError`` when a field is no number.
  init(numbers fields: [FieldName], _ file: String) throws(DataError) {
    var columns: [Int?] = []
    for field in fields {
      guard let number = Int(field.name), number > 0 else {
        throw DataError(
          .missingField, "no column '\(escaped(field.name))'", file: file,
          rule: "data.header is false: fields are numbers of columns, from 1",
          advice: "set data.fields, such as {text: 1, label: 2}")
      }
      columns.append(number - 1)
    }
    self.columns = columns
    counts = "the first one has"
  }

  /// The record of a row.
  ///
  /// - Throws: ``DataError`` when the row has more or fewer fields than the first one.
  mutating func record(_ row: [TableScanner.Field], _ fields: [FieldName]) throws(DataError)
    -> Record
  {
    guard let first = row.first?.place else { trap("[table] a row without fields") }
    let expected = count ?? row.count
    guard row.count == expected else {
      throw first.error(
        .badLine, "the row has \(row.count) fields", rule: "\(counts) \(expected)",
        advice: "fields with separators or line ends stand in quotes")
    }
    count = expected
    return Record(
      first, names: fields,
      values: columns.map { index in
        index.flatMap { $0 < row.count ? .text(row[$0].text) : nil }
      },
      places: columns.map { index in
        index.flatMap { $0 < row.count ? row[$0].place : nil } ?? first
      })
  }
}
