import VerdantBase
import VerdantCore
import VerdantNN

/// Reads a `config.json` of the Hugging Face Hub: absent keys and null mean the default, unknown keys
/// are kept by the writer.
struct FamilySettings {
  let object: JSONObject
  var reader: SettingsReader

  init(_ object: JSONObject, file: String?) {
    self.object = object
    reader = SettingsReader(file: file)
  }

  /// The value of a key; nil when it is absent or null.
  subscript(key: String) -> JSONValue? {
    guard let value = object[key], !value.isNull else { return nil }
    return value
  }

  /// A whole number.
  mutating func integer(
    _ key: String, _ value: Int, in range: ClosedRange<Int> = 1...(1 << 24)
  ) -> Int {
    self[key].map { reader.integer($0, in: range, at: key) ?? value } ?? value
  }

  /// A whole number that may be absent.
  mutating func optionalInteger(_ key: String, in range: ClosedRange<Int> = 1...(1 << 24)) -> Int? {
    self[key].flatMap { reader.integer($0, in: range, at: key) }
  }

  /// A number.
  mutating func number(_ key: String, _ value: Double, in range: ClosedRange<Double>) -> Double {
    self[key].map { reader.number($0, in: range, at: key) ?? value } ?? value
  }

  /// A rate of dropout, as it has to be in training here.
  mutating func dropout(_ key: String, _ value: Double = 0.1) -> Double {
    number(key, value, in: 0...0.99)
  }

  /// The epsilon of a normalization.
  mutating func epsilon(_ key: String, _ value: Double) -> Double {
    number(key, value, in: 1e-12...1)
  }

  /// A truth value.
  mutating func bool(_ key: String, _ value: Bool) -> Bool {
    self[key].map { Bool.read($0, at: key, &reader) ?? value } ?? value
  }

  /// A text.
  mutating func text(_ key: String, _ value: String) -> String {
    self[key].map { String.read($0, at: key, &reader) ?? value } ?? value
  }

  /// An activation by its name there.
  mutating func activation(_ key: String, _ value: String) -> Activation {
    let name = text(key, value)
    guard let activation = Activation(huggingFace: name) else {
      reader.report(
        .unsupported, "the activation '\(escaped(name))'", at: key,
        rule: "one of \(Activation.huggingFaceNames.map(\.name).joined(separator: ", "))")
      return .none
    }
    return activation
  }

  /// Refuses a value that would change what the model computes.
  mutating func require(_ key: String, _ allowed: JSONValue..., else why: String) {
    guard let value = self[key], !allowed.contains(value) else { return }
    let shown = (try? value.serialized()) ?? value.typeName
    reader.report(.unsupported, "\(key) is \(escaped(shown))", at: key, rule: why)
  }

  /// What the model gives, by the first name in `architectures`.
  ///
  /// - Parameters:
  ///   - language: Names of models with logits of tokens.
  ///   - classifier: The name of the model with classes.
  ///   - none: Names of base models.
  ///   - absent: What a file without a name means.
  mutating func head(
    language: [String], classifier: String?, none: [String] = [], absent: FamilyHead
  ) -> FamilyHead {
    guard let name = self["architectures"]?.arrayValue?.first?.stringValue else { return absent }
    if language.contains(name) { return .language }
    if name == classifier { return .classifier }
    if none.contains(name) { return .none }
    let known = language + none + (classifier.map { [$0] } ?? [])
    reader.report(
      .unsupported, "the architecture '\(escaped(name))'", at: "architectures",
      rule: "one of \(known.joined(separator: ", "))")
    return absent
  }

  /// The output side of a classifier.
  mutating func classification(
    _ pooling: Pooling, transform: Activation? = nil, bias: Bool, dropout: Double
  ) -> ClassificationConfig {
    let labels = self["id2label"]?.objectValue?.count
    let classes = integer("num_labels", labels ?? 2, in: 1...(1 << 20))
    if classes < 2 || self["problem_type"].map({ $0 != "single_label_classification" }) == true {
      reader.report(
        .unsupported, "a regression or a model of several labels for one text",
        at: self["problem_type"] == nil ? "num_labels" : "problem_type",
        rule: "one label of at least two for each text")
    }
    var result = ClassificationConfig(classes: max(2, classes), pooling: pooling, dropout: dropout)
    result.transform = transform
    result.bias = bias
    return result
  }

  /// Refuses models that need other code or have other weights.
  mutating func refuseForeignCode() {
    if self["auto_map"] != nil {
      reader.report(
        .unsupported, "the model comes with Python code of its own", at: "auto_map",
        rule: "no key selects code here")
    }
    if let quantization = self["quantization_config"] {
      let method = quantization["quant_method"]?.stringValue ?? "unknown"
      reader.report(
        .unsupported, "weights quantized by '\(escaped(method))'", at: "quantization_config",
        rule: "weights are F32, F16 or BF16")
    }
  }
}

extension Activation {
  /// The names in `transformers`; the first of each is written.
  static let huggingFaceNames: [(name: String, activation: Activation)] = [
    ("gelu", .geluExact), ("gelu_new", .gelu), ("gelu_pytorch_tanh", .gelu), ("gelu_fast", .gelu),
    ("relu", .relu), ("silu", .silu), ("swish", .silu), ("tanh", .tanh), ("linear", .none),
  ]

  init?(huggingFace name: String) {
    guard let found = Self.huggingFaceNames.first(where: { $0.name == name }) else { return nil }
    self = found.activation
  }

  /// The name in `transformers`.
  var huggingFace: String {
    Self.huggingFaceNames.first { $0.activation == self }?.name ?? rawValue
  }
}
