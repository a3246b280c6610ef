public import VerdantBase

/// The complete plan of a safetensors file: its header and where each tensor goes.
///
/// Tensors are ordered by type (largest alignment first), then by name, as the reference
/// implementation does; with at most one metadata entry the header is byte-identical to its.
public struct SafetensorsLayout: Sendable, Equatable {
  /// The tensors in the order of their data.
  public let entries: [TensorEntry]
  /// The length field, the JSON and its padding: all bytes before the data.
  public let header: [UInt8]
  /// The size of the whole file, in bytes.
  public let byteCount: Int

  /// Plans a file.
  ///
  /// - Parameters:
  ///   - tensors: The tensors in any order.
  ///   - metadata: Strings to store beside them; keys are sorted. Other programs expect
  ///     `format`.
  ///   - limits: The limits a reader obeys.
  /// - Throws: ``CheckpointError`` for whatever a reader would refuse.
  public init(
    _ tensors: [TensorDescription],
    metadata: [String: String] = ["format": "pt"],
    limits: Limits = .standard
  ) throws(CheckpointError) {
    let rules = SafetensorsRules(file: nil, limits: limits)
    guard tensors.count <= limits.tensorsPerFile else {
      throw rules.failure(
        .tooManyTensors,
        "\(tensors.count) tensors are too many for one file",
        rule: "the limit is \(limits.tensorsPerFile)",
        advice: "split them over several files"
      )
    }
    let ordered = tensors.sorted { left, right in
      left.dtype == right.dtype
        ? ExactString(left.name) < ExactString(right.name) : left.dtype > right.dtype
    }
    var names: Set<String> = []
    var entries: [TensorEntry] = []
    entries.reserveCapacity(ordered.count)
    var end = 0
    for tensor in ordered {
      try rules.checkName(tensor.name)
      guard names.insert(tensor.name).inserted else {
        throw rules.failure(
          .duplicateName,
          "the name appears twice",
          tensor: tensor.name,
          rule: "names are unique, also after Unicode normalization"
        )
      }
      let size = try rules.byteCount(of: tensor.shape, tensor.dtype, tensor: tensor.name)
      let (next, overflow) = end.addingReportingOverflow(size)
      guard !overflow else {
        throw rules.failure(
          .sizeOverflow,
          "the tensors together are too large",
          tensor: tensor.name,
          rule: "offsets fit 63 bits"
        )
      }
      entries.append(
        TensorEntry(
          name: tensor.name,
          dtype: tensor.dtype,
          shape: tensor.shape,
          range: end..<next
        )
      )
      end = next
    }
    self.entries = entries
    header = try Self.header(entries, metadata, rules)
    let (total, overflow) = end.addingReportingOverflow(header.count)
    guard !overflow else {
      throw rules.failure(.sizeOverflow, "the file is too large", rule: "offsets fit 63 bits")
    }
    byteCount = total
  }

  private static func header(
    _ entries: [TensorEntry],
    _ metadata: [String: String],
    _ rules: SafetensorsRules
  ) throws(CheckpointError) -> [UInt8] {
    var text = [UInt8](repeating: 0, count: 8)
    text.append(UInt8(ascii: "{"))
    if !metadata.isEmpty {
      JSONWriter.appendQuoted(SafetensorsRules.metadataKey, to: &text)
      text.append(contentsOf: ":{".utf8)
      for (index, key) in metadata.keys.map(ExactString.init).sorted().enumerated() {
        if index > 0 { text.append(UInt8(ascii: ",")) }
        JSONWriter.appendQuoted(key.string, to: &text)
        text.append(UInt8(ascii: ":"))
        JSONWriter.appendQuoted(metadata[key.string] ?? "", to: &text)
      }
      text.append(UInt8(ascii: "}"))
    }
    for entry in entries {
      if text.count > 9 { text.append(UInt8(ascii: ",")) }
      JSONWriter.appendQuoted(entry.name, to: &text)
      let shape = entry.shape.map(String.init).joined(separator: ",")
      text.append(
        contentsOf: """
          :{"dtype":"\(entry.dtype.name)","shape":[\(shape)],"data_offsets":\
          [\(entry.range.lowerBound),\(entry.range.upperBound)]}
          """.utf8
      )
    }
    text.append(UInt8(ascii: "}"))
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    let length = text.count - 8
    guard length <= rules.limits.safetensorsHeaderBytes else {
      throw rules.failure(
        .headerTooLarge,
        "the header would have \(length) bytes",
        rule: "a header has at most \(rules.limits.safetensorsHeaderBytes)",
        advice: "use shorter names or less metadata"
      )
    }
    withUnsafeBytes(of: UInt64(length).littleEndian) { text.replaceSubrange(0..<8, with: $0) }
    return text
  }
}
