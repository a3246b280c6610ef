internal import VerdantBase

extension SafetensorsRules {
  /// The entries in the order of their data, once their ranges are known to tile it.
  func ordered(
    _ entries: [TensorEntry],
    dataByteCount: Int
  ) throws(CheckpointError) -> [TensorEntry] {
    var ordered = entries
    let isBefore = { (left: TensorEntry, right: TensorEntry) -> Bool in
      (left.range.lowerBound, left.range.upperBound)
        < (right.range.lowerBound, right.range.upperBound)
    }
    let isSorted = zip(ordered, ordered.dropFirst()).allSatisfy { !isBefore($1, $0) }
    if !isSorted { ordered.sort(by: isBefore) }
    var end = 0
    for entry in ordered {
      guard entry.range.lowerBound == end else {
        let problem = entry.range.lowerBound > end ? "leaves a hole before it" : "overlaps others"
        throw failure(
          .overlapOrHole,
          "the byte range \(range(entry)) \(problem)",
          tensor: entry.name,
          rule: "the next tensor starts at \(end)"
        )
      }
      guard entry.range.upperBound <= dataByteCount else {
        throw failure(
          .lengthMismatch,
          "the byte range \(range(entry)) reaches beyond the file",
          tensor: entry.name,
          rule: "the file has \(dataByteCount) bytes of data",
          advice: "download or copy the file again"
        )
      }
      end = entry.range.upperBound
    }
    guard end == dataByteCount else {
      throw failure(
        .lengthMismatch,
        "the file has \(dataByteCount) bytes of data",
        rule: "its tensors fill \(end)",
        advice: "nothing may follow the last tensor"
      )
    }
    return ordered
  }

  private func range(_ entry: TensorEntry) -> String {
    "[\(entry.range.lowerBound), \(entry.range.upperBound)]"
  }
}
