/// Counts how often words appear.
struct WordCounter: Sendable {
  /// The bytes of all words, one after the other.
  private(set) var text: [UInt8] = []
  /// Where each word begins, and where the last ends.
  private(set) var starts: [Int] = [0]
  /// How often each word appears.
  private(set) var counts: [Int] = []
  /// One more than the number of a word; 0 is free.
  private var slots: [Int] = Array(repeating: 0, count: 1 << 12)
  private let seed = UInt64.random(in: .min ... .max)

  /// Counts a word once more.
  mutating func add(_ word: UnsafeBufferPointer<UInt8>) {
    if counts.count * 3 >= slots.count * 2 { grow() }
    var slot = place(of: word)
    while slots[slot] > 0 {
      let index = slots[slot] - 1
      if bytes(of: index).elementsEqual(word) {
        counts[index] += 1
        return
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    text.append(contentsOf: word)
    starts.append(text.count)
    counts.append(1)
    slots[slot] = counts.count
  }

  /// The bytes of a word.
  func bytes(of index: Int) -> ArraySlice<UInt8> { text[starts[index]..<starts[index + 1]] }

  private func place(of word: UnsafeBufferPointer<UInt8>) -> Int {
    guard let base = word.baseAddress else { return 0 }
    let hash = hashBytes(base, word.count, seed: seed)
    return Int(truncatingIfNeeded: hash) & (slots.count - 1)
  }

  private mutating func grow() {
    slots = Array(repeating: 0, count: slots.count * 2)
    for index in counts.indices {
      var slot = text.withUnsafeBufferPointer {
        place(of: .init(rebasing: $0[starts[index]..<starts[index + 1]]))
      }
      while slots[slot] > 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = index + 1
    }
  }
}
