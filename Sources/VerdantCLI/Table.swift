/// Columns of text, the first aligned left, the others right.
struct Table {
  private var rows: [[String]]

  /// A table with a head.
  init(_ head: [String]) { rows = [head] }

  /// Adds a row.
  mutating func add(_ cells: [String]) { rows.append(cells) }

  /// The lines, with a rule under the head.
  var text: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + space : space + cell
      }
      var text = padded.joined(separator: "  ")
      while text.hasSuffix(" ") { text.removeLast() }
      return text
    }
    var lines = rows.map(line)
    let total = widths.reduce(0, +) + 2 * max(0, columns - 1)
    lines.insert(String(repeating: "─", count: total), at: 1)
    return lines.joined(separator: "\n")
  }
}
