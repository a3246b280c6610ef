public import VerdantBase
import VerdantCore
public import VerdantIO
public import VerdantNN
public import VerdantText

extension ModelFolder {
  /// Writes a model as a folder that appears only when it is complete.
  ///
  /// - Parameters:
  ///   - labels: The names of a classifier's classes.
  ///   - history: One entry for each step that made the model.
  ///   - form: The form of `config.json` and the names of tensors.
  ///   - origin: The folder that the model came from: its tokenizer goes with it, and in the same
  ///     family the keys of its `config.json` that are not known here.
  ///   - shardBytes: Bytes of one file of weights at most; nil for one file.
  /// - Throws: ``ConfigError`` when the family cannot express the model, ``FileError``.
  public static func write(
    _ model: Transformer,
    tokenizer: any Tokenizer,
    labels: [String]? = nil,
    history: [JSONValue],
    form: ModelForm = .verdant,
    origin: ModelOrigin? = nil,
    shardBytes: Int? = nil,
    to path: String,
    overwriting: Bool = false
  ) throws {
    let folder = try AtomicFolder(path, overwriting: overwriting)
    try write(
      model, tokenizer: tokenizer, labels: labels, history: history, form: form, origin: origin,
      shardBytes: shardBytes, into: folder)
    try folder.commit()
  }

  /// Writes the files of a model into a folder that further files make complete.
  public static func write(
    _ model: Transformer,
    tokenizer: any Tokenizer,
    labels: [String]? = nil,
    history: [JSONValue],
    form: ModelForm = .verdant,
    origin: ModelOrigin? = nil,
    shardBytes: Int? = nil,
    into folder: AtomicFolder
  ) throws {
    let chosen = try form.choose(model.config, preferring: origin?.family)
    let config = model.config.json.objectValue ?? JSONObject()
    var details: JSONObject = [
      "format": 1, "tokenizer": .string(type(of: tokenizer).kind), "history": .array(history),
    ]
    if let labels { details["labels"] = .array(labels.map { .string($0) }) }
    var written: JSONObject = ["model_type": .string(modelType)]
    var weights = model.parameters.map { ($0.name, $0.parameter.value) }
    if let chosen {
      details["config"] = .object(config)
      written = familyConfig(chosen.json, labels, origin)
      let keys = chosen.family.dropoutKeys
      let dropout = JSONValue.number(model.config.embedding.dropout)
      for key in keys.own { written[key] = dropout }
      for key in keys.attention { _ = written.appendIfNew(key, 0) }
      if tokenizer is ByteTokenizer { nameEnds(&written, tokenizer.endOfDocument) }
      weights = foreignWeights(chosen.family, model)
    } else {
      for (key, value) in config { written[key] = value }
    }
    try writeTokenizer(tokenizer, model.config, isForeign: chosen != nil, origin, into: folder)
    try folder.write(
      JSONWriter.bytes(of: .object(written), style: .pretty) + [10], named: "config.json")
    try folder.write(
      JSONWriter.bytes(of: .object(details), style: .pretty) + [10], named: "verdant.json")
    try writeWeights(weights, shardBytes, into: folder)
  }

  private static func familyConfig(
    _ json: JSONObject, _ labels: [String]?, _ origin: ModelOrigin?
  ) -> JSONObject {
    var object = json
    // One key for the versions before 5 of `transformers`, one for those since.
    object["torch_dtype"] = "float32"
    object["dtype"] = "float32"
    if let classes = json["num_labels"]?.intValue {
      let names = labels ?? (0..<classes).map(String.init)
      var (byNumber, byName) = (JSONObject(), JSONObject())
      for (number, name) in names.enumerated() {
        byNumber[String(number)] = .string(name)
        byName[name] = .integer(number)
      }
      object["id2label"] = .object(byNumber)
      object["label2id"] = .object(byName)
      object["problem_type"] = "single_label_classification"
      // `transformers` counts the names.
      object["num_labels"] = nil
    }
    return origin?.merged(into: object) ?? object
  }

  /// The token that ends documents, and begins and fills them as well.
  private static func nameEnds(_ object: inout JSONObject, _ end: Int32) {
    let isPair = object["is_encoder_decoder"] == true
    for key in ["bos", "eos", "pad"] + (isPair ? ["decoder_start"] : []) {
      _ = object.appendIfNew("\(key)_token_id", .integer(Int(end)))
    }
  }

  /// The tensors of a model under the names of a family.
  private static func foreignWeights(_ family: any ModelFamily.Type, _ model: Transformer)
    -> [(String, Tensor)]
  {
    var values: [String: Tensor] = [:]
    model.forEachParameter { values[$0] = $1.value }
    var used = 0
    let prefix = family.prefix
    let table = family.names(model.config)
    let isBare = model.config.objective == .maskedLanguageModel && model.headTransform == nil
    let result = table.rules.compactMap { rule -> (String, Tensor)? in
      let parts = rule.own.compactMap { values[$0] }
      guard parts.count == rule.own.count else { return nil }
      used += parts.count
      let name = rule.foreign[0]
      let isBase = isBare && name.hasPrefix(prefix)
      return (isBase ? String(name.dropFirst(prefix.count)) : name, rule.tensor(of: parts))
    }
    require(
      used == values.count,
      "[model-folder] \(used) of \(values.count) parameters have names in \(family.modelType)")
    return result
  }

  private static func writeTokenizer(
    _ tokenizer: any Tokenizer, _ config: ModelConfig, isForeign: Bool, _ origin: ModelOrigin?,
    into folder: AtomicFolder
  ) throws {
    if tokenizer is ByteTokenizer {
      if isForeign {
        for file in ByteTokenizerFiles(config).files {
          try folder.write(
            JSONWriter.bytes(of: .object(file.content), style: .pretty) + [10], named: file.name)
        }
      }
      return
    }
    if origin == nil, let pretrained = tokenizer as? PretrainedTokenizer {
      return try folder.write(pretrained.content, named: PretrainedTokenizer.kind)
    }
    guard let origin else {
      throw ConfigError(
        .unsupported, "a tokenizer without its file",
        rule: "the folder that the tokenizer came from is given as well")
    }
    try origin.copyCompanions(into: folder)
  }

  private static func writeWeights(
    _ weights: [(name: String, tensor: Tensor)], _ shardBytes: Int?, into folder: AtomicFolder
  ) throws {
    guard let shardBytes else {
      return try SafetensorsWriter.write(weights, into: folder, named: "model.safetensors")
    }
    var shards: [[(name: String, tensor: Tensor)]] = [[]]
    var bytes = 0
    for weight in weights {
      if bytes > 0, bytes + weight.tensor.byteCount > shardBytes {
        shards.append([])
        bytes = 0
      }
      shards[shards.count - 1].append(weight)
      bytes += weight.tensor.byteCount
    }
    var map = JSONObject()
    for (number, shard) in shards.enumerated() {
      let name = "model-\(padded(number + 1))-of-\(padded(shards.count)).safetensors"
      try SafetensorsWriter.write(shard, into: folder, named: name)
      for weight in shard { map[weight.name] = .string(name) }
    }
    let total = weights.reduce(0) { $0 + $1.tensor.byteCount }
    let index: JSONObject = [
      "metadata": ["total_size": .integer(total)], "weight_map": .object(map),
    ]
    try folder.write(
      JSONWriter.bytes(of: .object(index), style: .pretty) + [10],
      named: "model.safetensors.index.json")
  }

  private static func padded(_ number: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, 5 - text.count)) + text
  }
}
