/// The state of a training: words as symbols, counts of pairs and a queue of the most frequent.
struct PairMerging {
  /// A pair in the queue, with the words in which it was counted.
  private struct Candidate {
    var pair: UInt64
    var count: Int
    var words: [Int32]

    /// Whether it is merged before another: it appears more often, or has lower ids.
    func comes(before other: Candidate) -> Bool {
      count != other.count ? count > other.count : pair < other.pair
    }
  }

  /// All tokens, written with the characters that stand for bytes.
  private(set) var vocabulary = Vocabulary()
  /// Ids of the pairs that were merged, in order.
  private(set) var merges: [(left: Int32, right: Int32)] = []

  /// The symbols of all words; those of a word stand at its start.
  private var symbols: [Int32]
  private let starts: [Int]
  private var lengths: [Int32]
  private let frequencies: [Int]
  private var counts: [UInt64: Int] = [:]
  private var queue: [Candidate] = []

  init(_ words: WordCounter, specialTokens: [String]) {
    var vocabulary = Vocabulary()
    for token in specialTokens {
      // A special token is there once; the trainer refuses repeated ones.
      try? vocabulary.add(Array(token.utf8), id: vocabulary.count)
    }
    var idOfByte = [Int32](repeating: 0, count: 256)
    for byte in (0..<256).sorted(by: { ByteAlphabet.scalars[$0] < ByteAlphabet.scalars[$1] }) {
      let character = ByteAlphabet.characters(of: [UInt8(byte)])
      let id = vocabulary.id(of: character) ?? Int32(vocabulary.count)
      if Int(id) == vocabulary.count { try? vocabulary.add(character, id: Int(id)) }
      idOfByte[byte] = id
    }
    self.vocabulary = vocabulary
    symbols = words.text.map { idOfByte[Int($0)] }
    starts = words.starts
    frequencies = words.counts
    lengths = words.counts.indices.map { Int32(words.starts[$0 + 1] - words.starts[$0]) }
    countPairs()
  }

  private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  private mutating func countPairs() {
    var places: [UInt64: [Int32]] = [:]
    for word in frequencies.indices {
      let range = starts[word]..<starts[word] + Int(lengths[word])
      for i in range.dropLast() {
        let pair = Self.pair(symbols[i], symbols[i + 1])
        counts[pair, default: 0] += frequencies[word]
        if places[pair]?.last != Int32(word) { places[pair, default: []].append(Int32(word)) }
      }
    }
    enqueue(places)
  }

  private mutating func enqueue(_ places: [UInt64: [Int32]]) {
    for (pair, words) in places {
      let count = counts[pair] ?? 0
      if count > 0 { push(Candidate(pair: pair, count: count, words: words)) }
    }
  }

  /// Merges the pair that appears most often; false when none appears `least` times.
  mutating func mergeMostFrequent(least: Int) -> Bool {
    while var top = pop() {
      let count = counts[top.pair] ?? 0
      if top.count != count {
        top.count = count
        push(top)
        continue
      }
      guard count >= least else { return false }
      merge(top)
      return true
    }
    return false
  }

  private mutating func merge(_ candidate: Candidate) {
    let left = Int32(truncatingIfNeeded: candidate.pair >> 32)
    let right = Int32(truncatingIfNeeded: candidate.pair & 0xFFFF_FFFF)
    let token = (vocabulary.token(Int(left)) ?? []) + (vocabulary.token(Int(right)) ?? [])
    let id = vocabulary.id(of: token) ?? Int32(vocabulary.count)
    if Int(id) == vocabulary.count { try? vocabulary.add(token, id: Int(id)) }
    merges.append((left, right))
    var places: [UInt64: [Int32]] = [:]
    var changes: [(pair: UInt64, count: Int)] = []
    for word in candidate.words {
      changes.removeAll(keepingCapacity: true)
      merge(left, right, into: id, word: word, &changes)
      for (pair, count) in changes {
        counts[pair, default: 0] += count
        if count > 0, places[pair]?.last != word { places[pair, default: []].append(word) }
      }
    }
    enqueue(places)
  }

  /// Merges a pair in one word and notes how the counts of the pairs beside it change.
  private mutating func merge(
    _ left: Int32, _ right: Int32, into id: Int32, word: Int32,
    _ changes: inout [(pair: UInt64, count: Int)]
  ) {
    let frequency = frequencies[Int(word)]
    let start = starts[Int(word)]
    let end = start + Int(lengths[Int(word)])
    var from = start
    var to = start
    while from < end {
      guard symbols[from] == left, from + 1 < end, symbols[from + 1] == right else {
        symbols[to] = symbols[from]
        from += 1
        to += 1
        continue
      }
      if to > start {
        changes.append((Self.pair(symbols[to - 1], left), -frequency))
        changes.append((Self.pair(symbols[to - 1], id), frequency))
      }
      if from + 2 < end {
        changes.append((Self.pair(right, symbols[from + 2]), -frequency))
        changes.append((Self.pair(id, symbols[from + 2]), frequency))
      }
      symbols[to] = id
      from += 2
      to += 1
    }
    lengths[Int(word)] = Int32(to - start)
  }

  private mutating func push(_ candidate: Candidate) {
    var child = queue.count
    queue.append(candidate)
    while child > 0 {
      let parent = (child - 1) / 2
      guard candidate.comes(before: queue[parent]) else { break }
      queue[child] = queue[parent]
      child = parent
    }
    queue[child] = candidate
  }

  private mutating func pop() -> Candidate? {
    guard let top = queue.first, let last = queue.popLast() else { return nil }
    guard !queue.isEmpty else { return top }
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < queue.count else { break }
      if child + 1 < queue.count, queue[child + 1].comes(before: queue[child]) { child += 1 }
      guard queue[child].comes(before: last) else { break }
      queue[parent] = queue[child]
      parent = child
    }
    queue[parent] = last
    return top
  }
}
