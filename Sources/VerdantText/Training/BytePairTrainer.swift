public import VerdantBase

/// Trains a byte-level byte-pair tokenizer.
///
/// Texts are cut into words, and the most frequent pair of neighbouring symbols becomes a new symbol
/// until the vocabulary is full (Sennrich et al., 2016). Counts are exact; of pairs that are equally
/// frequent the one with the lowest ids is merged, so that the same texts give the same file, and
/// the one that PyPI's `tokenizers` gives.
public struct BytePairTrainer: Sendable {
  /// How texts are cut into words.
  public enum Pattern: String, Sendable, CaseIterable {
    /// The pattern of GPT-2.
    case gpt2
    /// The pattern of GPT-4 and Llama 3.
    case llama3
  }

  /// What is trained.
  public struct Options: Sendable {
    /// Tokens in all: special ones, 256 bytes and merges.
    public var vocabulary: Int
    /// A pair that appears less often is not merged.
    public var minimumFrequency = 2
    /// How texts are cut into words.
    public var pattern = Pattern.gpt2
    /// Tokens with the ids from 0 on that no text is cut into.
    public var specialTokens = ["<|endoftext|>"]

    /// The options of a vocabulary of a size.
    public init(vocabulary: Int) { self.vocabulary = vocabulary }
  }

  private let options: Options
  private let words: WordPattern
  private var counter = WordCounter()

  /// Starts a training.
  ///
  /// - Throws: ``TokenizerError`` for a vocabulary that is too small or too large, and for special
  ///   tokens that are empty, too long or appear twice.
  public init(_ options: Options) throws(TokenizerError) {
    let least = options.specialTokens.count + 256
    guard (least...Limits.standard.vocabulary).contains(options.vocabulary) else {
      throw TokenizerError(
        .outOfRange, "a vocabulary of \(options.vocabulary) tokens", place: "vocabulary",
        rule: "\(least) to \(Limits.standard.vocabulary): special tokens, 256 bytes and merges")
    }
    var seen: Set<ExactString> = []
    for token in options.specialTokens {
      guard !token.isEmpty, token.utf8.count <= AddedToken.longest,
        seen.insert(ExactString(token)).inserted
      else {
        throw TokenizerError(
          .invalidAddedToken, "the special token '\(escaped(token, limit: 60))'",
          place: "special tokens", rule: "1 to \(AddedToken.longest) bytes, each once")
      }
    }
    self.options = options
    words = options.pattern == .gpt2 ? .gpt2 : .llama3
  }

  /// Counts the words of a text; bytes that are no valid UTF-8 count as U+FFFD.
  public mutating func add(_ text: UnsafeRawBufferPointer) {
    let valid = firstInvalidUTF8(in: text) == nil ? Array(text) : Array(repairing: text)
    valid.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      words.scan(base, 0..<buffer.count) { start, end in
        counter.add(UnsafeBufferPointer(start: base + start, count: end - start))
      }
    }
  }

  /// The number of different words seen.
  public var wordCount: Int { counter.counts.count }

  /// Merges pairs until the vocabulary is full or no pair is frequent enough.
  ///
  /// - Parameter progress: Gets the number of tokens from time to time.
  /// - Returns: The text of a file `tokenizer.json`.
  public func train(progress: (Int) -> Void = { _ in }) -> [UInt8] {
    var merging = PairMerging(counter, specialTokens: options.specialTokens)
    while merging.vocabulary.count < options.vocabulary {
      guard merging.mergeMostFrequent(least: max(1, options.minimumFrequency)) else { break }
      if merging.vocabulary.count % 1_000 == 0 { progress(merging.vocabulary.count) }
    }
    return TrainedTokenizerFile(
      vocabulary: merging.vocabulary, merges: merging.merges, options: options
    ).text
  }
}
