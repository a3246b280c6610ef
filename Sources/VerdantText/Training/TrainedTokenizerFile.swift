internal import VerdantBase

/// Writes a trained byte-level tokenizer as a file `tokenizer.json`.
struct TrainedTokenizerFile {
  let vocabulary: Vocabulary
  let merges: [(left: Int32, right: Int32)]
  let options: BytePairTrainer.Options

  /// The text of the file: one token and one merge a line.
  var text: [UInt8] {
    var out = Output()
    out.add("{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n")
    out.add("  \"added_tokens\": [")
    for (id, token) in options.specialTokens.enumerated() {
      out.add("\(id == 0 ? "" : ",")\n    {\"id\": \(id), \"content\": ")
      out.quote(token)
      out.add(", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, ")
      out.add("\"normalized\": false, \"special\": true}")
    }
    out.add("\n  ],\n  \"normalizer\": null,\n  \"pre_tokenizer\": ")
    let byteLevel =
      #"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": "#
    switch options.pattern {
    case .gpt2: out.add(byteLevel + "true}")
    case .llama3:
      out.add(#"{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "#)
      out.quote(KnownPatterns.llama3)
      out.add(#"}, "behavior": "Isolated", "invert": false}, "# + byteLevel + "false}]}")
    }
    out.add(",\n  \"post_processor\": " + byteLevel + "true}")
    out.add(",\n  \"decoder\": " + byteLevel + "true}")
    out.add(
      ",\n  \"model\": {\n    \"type\": \"BPE\", \"dropout\": null, \"unk_token\": null, "
        + "\"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null, "
        + "\"fuse_unk\": false, \"byte_fallback\": false, \"ignore_merges\": false,\n"
        + "    \"vocab\": {")
    for id in 0..<vocabulary.count {
      out.add(id == 0 ? "\n      " : ",\n      ")
      out.quote(token(Int32(id)))
      out.add(": \(id)")
    }
    out.add("\n    },\n    \"merges\": [")
    for (index, merge) in merges.enumerated() {
      out.add(index == 0 ? "\n      [" : ",\n      [")
      out.quote(token(merge.left))
      out.add(", ")
      out.quote(token(merge.right))
      out.add("]")
    }
    out.add("\n    ]\n  }\n}\n")
    return out.bytes
  }

  private func token(_ id: Int32) -> String {
    String(decoding: vocabulary.token(Int(id)) ?? [], as: UTF8.self)
  }

  private struct Output {
    var bytes: [UInt8] = []
    mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }
    mutating func quote(_ text: String) { JSONWriter.appendQuoted(text, to: &bytes) }
  }
}
