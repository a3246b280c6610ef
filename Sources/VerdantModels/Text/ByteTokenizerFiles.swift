import VerdantBase
import VerdantNN
import VerdantText

/// The byte tokenizer in the form of the Hugging Face Hub: byte-pair encoding without merges, whose
/// tokens are the characters that stand for bytes there.
struct ByteTokenizerFiles {
  /// The files with their names.
  let files: [(name: String, content: JSONObject)]

  /// The files for a model: its tokens behind the tokenizer's own have names as well.
  init(_ config: ModelConfig) {
    let end = "<|endoftext|>"
    let special = SpecialTokens(ByteTokenizer(), .spanCorruption)
    var tokens = [(256, end), (Int(special.mask), "<mask>"), (Int(special.start), "<start>")]
    for number in (0..<SpecialTokens.sentinelCount).reversed() {
      tokens.append((Int(special.firstSentinel) - number, SpecialTokens.sentinelName(number)))
    }
    var vocabulary = JSONObject()
    for (byte, character) in Self.alphabet.enumerated() {
      vocabulary[String(character)] = .integer(byte)
    }
    let byteLevel: JSONObject = [
      "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false,
    ]
    let added: [JSONValue] = tokens.filter { $0.0 < config.vocabulary }.map { id, name in
      [
        "id": .integer(id), "content": .string(name), "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": true,
      ]
    }
    files = [
      (
        "tokenizer.json",
        [
          "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": .array(added),
          "normalizer": nil, "pre_tokenizer": .object(byteLevel), "post_processor": nil,
          "decoder": .object(byteLevel),
          "model": [
            "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
            "end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false,
            "ignore_merges": false, "vocab": .object(vocabulary), "merges": [],
          ],
        ]
      ),
      (
        "tokenizer_config.json",
        [
          "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": .string(end),
          "pad_token": .string(end), "model_max_length": .integer(config.maximumLength),
          "clean_up_tokenization_spaces": false,
        ]
      ),
    ]
  }

  /// The character that stands for each byte: itself where it can be seen, one from U+0100 on
  /// otherwise, in order.
  private static var alphabet: [Unicode.Scalar] {
    var next: UInt32 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
      default:
        defer { next += 1 }
        return Unicode.Scalar(next) ?? Unicode.Scalar(byte)
      }
    }
  }
}
