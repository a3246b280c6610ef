public import VerdantBase
import VerdantCore
public import VerdantNN
public import VerdantText

/// Continues a text token by token, with a cache of keys and values; an encoder–decoder writes what
/// answers a text.
public struct TextGenerator {
  private let model: Transformer
  private let tokenizer: any Tokenizer
  private let sampler: Sampler
  private var context = Context(.inference)
  private var state: DecodingState
  private var ids: [Int32]
  private var logits: [Float]
  private var chosen = 0
  private var isFinished = false
  private let special: SpecialTokens?
  /// True for an encoder–decoder: what is written is as long as its decoder reads.
  private let answers: Bool

  /// Reads a prompt; the last tokens that the model has room for count. For an encoder–decoder names
  /// like `<extra_id_0>` stand for its sentinels.
  ///
  /// - Throws: ``ConfigError`` when the model cannot generate.
  public init(
    _ model: Transformer, _ tokenizer: any Tokenizer, prompt: String, _ sampler: Sampler
  ) throws(ConfigError) {
    try checkVocabulary(model.config, tokenizer)
    self.model = model
    self.tokenizer = tokenizer
    self.sampler = sampler
    logits = []
    answers = model.config.objective == .spanCorruption
    // A prompt begins a document.
    ids = [tokenizer.endOfDocument]
    guard answers else {
      special = nil
      if let pretrained = tokenizer as? PretrainedTokenizer {
        // A template that puts its own token in front says how documents begin.
        let template = Self.framed(prompt, pretrained)
        ids = template.first.map(pretrained.isSpecial) == true ? template : ids + template
      } else {
        ids += tokenizer.encode(prompt)
      }
      state = try model.initialState()
      read(Array(ids.suffix(state.capacity)))
      return
    }
    var given: [Int32]
    if let pretrained = tokenizer as? PretrainedTokenizer {
      special = nil
      given = Self.framed(prompt, pretrained)
      // The decoders of T5 begin with the token that fills texts up.
      ids = [pretrained.id(of: "<pad>") ?? 0]
    } else {
      let special = SpecialTokens(tokenizer, .spanCorruption)
      self.special = special
      given = special.encode(prompt, tokenizer)
    }
    if given.isEmpty { given = ids }
    given = Array(given.suffix(model.config.maximumLength))
    state = try model.initialState(
      reading: ModelInput(Tensor(integers: given, [1, given.count])), &context)
    read(ids)
  }

  /// The ids of a text with those that the tokenizer's template adds.
  private static func framed(_ text: String, _ tokenizer: PretrainedTokenizer) -> [Int32] {
    var whole = tokenizer
    whole.truncation = nil
    whole.padding = nil
    return whole.tokenize(text).ids
  }

  /// The bytes of a token; of a sentinel those of its name.
  public func bytes(of id: Int32) -> [UInt8] {
    if answers, let name = (tokenizer as? PretrainedTokenizer)?.token(of: id),
      name.hasPrefix("<extra_id_")
    {
      return Array(name.utf8)
    }
    return special?.sentinel(id).map { Array($0.utf8) } ?? tokenizer.bytes(of: id)
  }

  /// The next token; nil at the end of the document.
  ///
  /// - Throws: ``CheckpointError`` with the kind `damaged` when no logit is finite.
  public mutating func next() throws -> Int32? {
    guard !isFinished else { return nil }
    // The prompt is read already; of later tokens the last one is not.
    if chosen > 0 {
      if state.length == state.capacity {
        // The answer of an encoder–decoder is as long as its decoder reads.
        guard !answers else { return nil }
        // No room: go on from the later half, at positions from 0 again.
        state = try model.initialState()
        read(Array(ids.suffix(max(1, state.capacity / 2))))
      } else {
        read([ids[ids.count - 1]])
      }
    }
    guard let choice = sampler.choose(logits, at: chosen) else {
      throw CheckpointError(
        .damaged, "the model gives no finite logit", place: "token \(chosen)",
        rule: "a usable model gives finite logits", advice: "its training may have diverged")
    }
    guard choice != tokenizer.endOfDocument else {
      isFinished = true
      return nil
    }
    let id = Int32(choice)
    chosen += 1
    ids.append(id)
    return id
  }

  private mutating func read(_ new: [Int32]) {
    logits = model.step(Tensor(integers: new, [1, new.count]), &state, &context).floats
  }
}
