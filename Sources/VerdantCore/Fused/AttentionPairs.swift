/// Which pairs of a query and a key the definition of ``Attention`` counts.
struct AttentionPairs {
  let operation: Attention
  let queries: Int
  let keys: Int

  init(_ operation: Attention, queries: Int, keys: Int) {
    self.operation = operation
    self.queries = queries
    self.keys = keys
  }

  /// The keys that a query sees of a batch entry with that length.
  private func keys(of query: Int, length: Int) -> Range<Int> {
    let place = query + keys - queries
    let end = operation.isCausal ? place + 1 : operation.window.map { place + $0 } ?? length
    let first = operation.window.map { place - $0 + 1 } ?? 0
    let limit = max(0, min(end, length))
    return max(0, min(first, limit))..<limit
  }

  /// Pairs for one head, all keys existing.
  var count: Double {
    guard operation.isCausal || operation.window != nil else {
      return Double(queries) * Double(keys)
    }
    if operation.isCausal { return looksBack(keys) - looksBack(max(0, keys - queries)) }
    if queries == keys { return 2 * looksBack(keys) - Double(keys) }
    return (0..<queries).reduce(0) { $0 + Double(keys(of: $1, length: keys).count) }
  }

  // Pairs of the first n places with themselves and earlier ones in the window.
  private func looksBack(_ n: Int) -> Double {
    let full = Double(min(n, operation.window ?? n))
    return full * (full + 1) / 2 + (Double(n) - full) * full
  }

  private func rows(_ lengths: [Int]?) -> [Range<Int>]? {
    if let lengths {
      return lengths.flatMap { length in
        let existing = operation.lengthsLimitKeysOnly ? queries : length
        return (0..<queries).map { $0 < existing ? keys(of: $0, length: length) : 0..<0 }
      }
    }
    guard operation.isCausal || operation.window != nil else { return nil }
    return (0..<queries).map { keys(of: $0, length: keys) }
  }

  // One row for each row of scores [batch · keyHeads, group · queries, keys], or for those of one
  // batch entry without lengths.
  private func spread(_ rows: [Range<Int>], _ lengths: [Int]?) -> [Range<Int>] {
    let copies = lengths == nil ? operation.heads / operation.keyHeads : operation.heads
    return (0..<rows.count / max(1, queries)).flatMap { entry in
      let own = rows[entry * queries..<(entry + 1) * queries]
      return (0..<copies).flatMap { _ in own }
    }
  }

  private func shape(_ lengths: [Int]?, _ columns: Int) -> Shape {
    let rows = operation.heads / operation.keyHeads * queries
    guard let lengths else { return [rows, columns] }
    return [lengths.count * operation.keyHeads, rows, columns]
  }

  /// What is added to scores: a large negative number where a key is not seen; nil where all are.
  func penalty(_ lengths: [Int]?, on backend: any Backend) -> Tensor? {
    guard let rows = rows(lengths) else { return nil }
    let values = spread(rows, lengths).flatMap { row in
      (0..<keys).map { row.contains($0) ? Float(0) : -1e30 }
    }
    return Tensor(values, shape(lengths, keys), on: backend)
  }

  /// 0 for rows that see nothing, whose output is 0; nil where all rows see something.
  func rowsThatSee(_ lengths: [Int]?, on backend: any Backend) -> Tensor? {
    guard let rows = rows(lengths), rows.contains(where: \.isEmpty) else { return nil }
    return Tensor(spread(rows, lengths).map { $0.isEmpty ? 0 : 1 }, shape(lengths, 1), on: backend)
  }
}
