import VerdantBase
import VerdantText

/// The tokens of a model as facts of GGUF: byte-level byte-pair encoding, in the words of its
/// readers.
struct GGUFVocabulary {
  /// What a token is, by its number in the format.
  enum Kind: Int32 {
    case normal = 1
    case control = 3
    case userDefined = 4
    case unused = 5
  }

  private(set) var tokens: [String]
  private(set) var kinds: [Int32]
  private var merges: [String] = []
  private var splitting = "gpt-2"
  private let end: Int32
  /// What readers do in another way than this program, for the user.
  private(set) var notes: [String] = []

  /// The bytes as tokens, and the end of documents.
  ///
  /// - Parameter count: Tokens that the model knows.
  init(_ tokenizer: ByteTokenizer, count: Int) {
    tokens = (0..<256).map { Self.character(of: UInt8($0)) } + ["<|endoftext|>"]
    kinds = Array(repeating: Kind.normal.rawValue, count: 256) + [Kind.control.rawValue]
    end = tokenizer.endOfDocument
    fill(to: count)
  }

  /// The tokens of a file `tokenizer.json`.
  ///
  /// - Throws: ``ConfigError`` for tokenizers that readers of GGUF do not know.
  init(_ tokenizer: PretrainedTokenizer, count: Int) throws {
    let path = "tokenizer.json"
    let json = try JSONValue(parsing: tokenizer.content, file: path)
    func unsupported(_ what: String, _ place: String, _ rule: String) -> ConfigError {
      ConfigError(
        .unsupported, "GGUF export does not know \(what)", file: path, place: place, rule: rule)
    }
    let kind = json["model"]?["type"]?.stringValue ?? "none"
    guard kind == "BPE" else {
      throw unsupported(
        "tokenizers of the kind '\(escaped(kind))'", "model.type", "'BPE', of bytes")
    }
    end = tokenizer.endOfDocument
    tokens = []
    kinds = []
    for (token, id) in json["model"]?["vocab"]?.objectValue ?? JSONObject() {
      try set(token, id.intValue, .normal, count, path)
    }
    for item in json["added_tokens"]?.arrayValue ?? [] {
      let isSpecial = item["special"]?.boolValue ?? false
      try set(
        item["content"]?.stringValue ?? "", item["id"]?.intValue,
        isSpecial ? .control : .userDefined, count, path)
    }
    fill(to: count)
    merges = try Self.merges(json["model"]?["merges"]?.arrayValue ?? [], path)
    guard let splitting = Self.splitting(json["pre_tokenizer"] ?? .null) else {
      throw unsupported(
        "this way of cutting texts into words", "pre_tokenizer",
        "'ByteLevel' of GPT-2, or the patterns of Llama 3 or Qwen 2 before it")
    }
    self.splitting = splitting
    if let normalizer = json["normalizer"], !normalizer.isNull {
      let name = normalizer["type"]?.stringValue ?? ""
      guard name == "NFC" else {
        throw unsupported("the normalizer '\(escaped(name))'", "normalizer", "null or 'NFC'")
      }
      notes.append("readers of GGUF do not normalize texts; this tokenizer does (NFC)")
    }
  }

  private mutating func set(
    _ token: String, _ id: Int?, _ kind: Kind, _ count: Int, _ path: String
  ) throws(ConfigError) {
    guard let id, (0..<count).contains(id) else {
      throw ConfigError(
        .inconsistent, "the token '\(escaped(token, limit: 60))' has the id \(id ?? -1)",
        file: path, place: "model.vocab", rule: "the model knows \(count) tokens")
    }
    fill(to: id + 1)
    tokens[id] = token
    kinds[id] = kind.rawValue
  }

  private mutating func fill(to count: Int) {
    while tokens.count < count {
      tokens.append("<|unused_\(tokens.count)|>")
      kinds.append(Kind.unused.rawValue)
    }
  }

  /// Merges as two tokens with a space between.
  private static func merges(_ list: [JSONValue], _ path: String) throws(ConfigError) -> [String] {
    var merges: [String] = []
    merges.reserveCapacity(list.count)
    for (index, item) in list.enumerated() {
      let parts = item.arrayValue?.compactMap(\.stringValue)
      guard let merge = item.stringValue ?? parts?.joined(separator: " "),
        merge.utf8.count(where: { $0 == 0x20 }) == 1
      else {
        throw ConfigError(
          .inconsistent, "a merge is not two tokens", file: path, place: "model.merges[\(index)]",
          rule: "two tokens of bytes, without spaces of their own")
      }
      merges.append(merge)
    }
    return merges
  }

  /// The name that readers have for a way of cutting texts; nil where they have none.
  private static func splitting(_ json: JSONValue) -> String? {
    let parts = json["pretokenizers"]?.arrayValue ?? [json]
    guard let last = parts.last, last["type"]?.stringValue == "ByteLevel",
      last["add_prefix_space"]?.boolValue == false
    else { return nil }
    let cuts = last["use_regex"]?.boolValue ?? true
    switch parts.count {
    case 1: return cuts ? "gpt-2" : nil
    case 2 where !cuts && parts[0]["type"]?.stringValue == "Split":
      let digits = [#"\p{N}{1,3}"#: "llama-bpe", #"\p{N}"#: "qwen2"]
      let pattern = parts[0]["pattern"]?["Regex"]?.stringValue
      return digits.first { pattern == Self.pattern(digits: $0.key) }?.value
    default: return nil
    }
  }

  /// The pattern of Llama 3 and Qwen 2, which differ in the digits of a number.
  private static func pattern(digits: String) -> String {
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  /// The character that stands for a byte: printable ones of Latin-1 for themselves, the others
  /// from U+0100 on (Radford et al. 2019, released code).
  static func character(of byte: UInt8) -> String {
    func isPlain(_ byte: Int) -> Bool {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: true
      default: false
      }
    }
    let number = Int(byte)
    let scalar = isPlain(number) ? number : 0x100 + (0..<number).count { !isPlain($0) }
    return Unicode.Scalar(UInt32(scalar)).map { String($0) } ?? ""
  }

  /// Adds the facts.
  func add(to file: inout GGUFFile) {
    file.add("tokenizer.ggml.model", .string("gpt2"))
    file.add("tokenizer.ggml.pre", .string(splitting))
    file.add("tokenizer.ggml.tokens", .strings(tokens))
    file.add("tokenizer.ggml.token_type", .integers(kinds))
    file.add("tokenizer.ggml.merges", .strings(merges))
    let end = UInt32(max(0, end))
    file.add("tokenizer.ggml.bos_token_id", .unsigned(end))
    file.add("tokenizer.ggml.eos_token_id", .unsigned(end))
    // A text begins a document: what separates documents stands in front of it, as in training.
    file.add("tokenizer.ggml.add_bos_token", .bool(true))
    file.add("tokenizer.ggml.add_eos_token", .bool(false))
  }
}
