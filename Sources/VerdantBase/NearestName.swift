/// The candidate closest to a name, for "did you mean" hints.
///
/// The distance is the number of inserted, removed, replaced or swapped neighbouring characters,
/// without regard to case. Candidates further away than a third of the longer length (at least 2)
/// are not offered; ties go to the first in order.
///
/// - Parameters:
///   - name: The name that was not found. Names of more than 256 bytes get no hint.
///   - candidates: The known names.
/// - Returns: The closest candidate, or nil when none is close.
/// - Complexity: O(candidates × length²).
public func nearest(to name: String, in candidates: some Sequence<String>) -> String? {
  guard !name.isEmpty, name.utf8.count <= longestName else { return nil }
  let wanted = Array(name.lowercased().unicodeScalars)
  var best: (candidate: String, distance: Int)?
  for candidate in candidates where candidate.utf8.count <= longestName {
    let known = Array(candidate.lowercased().unicodeScalars)
    let longer = max(wanted.count, known.count)
    let allowed = min(max(2, longer / 3), longer - 1)
    let bound = min(allowed, (best?.distance ?? .max) - 1)
    guard abs(wanted.count - known.count) <= bound else { continue }
    let distance = editDistance(wanted, known)
    if distance <= bound { best = (candidate, distance) }
    if distance == 0 { break }
  }
  return best?.candidate
}

private let longestName = 256

/// Optimal string alignment distance: edits and swaps of neighbours each cost 1.
private func editDistance(_ first: [Unicode.Scalar], _ second: [Unicode.Scalar]) -> Int {
  if first.isEmpty || second.isEmpty { return max(first.count, second.count) }
  var beforePrevious = [Int](repeating: 0, count: second.count + 1)
  var previous = Array(0...second.count)
  var current = previous
  for i in 1...first.count {
    current[0] = i
    for j in 1...second.count {
      let cost = first[i - 1] == second[j - 1] ? 0 : 1
      var value = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost)
      if i > 1, j > 1, first[i - 1] == second[j - 2], first[i - 2] == second[j - 1] {
        value = min(value, beforePrevious[j - 2] + 1)
      }
      current[j] = value
    }
    (beforePrevious, previous, current) = (previous, current, beforePrevious)
  }
  return previous[second.count]
}
