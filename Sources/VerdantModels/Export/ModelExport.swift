import VerdantBase
import VerdantCore
import VerdantIO
public import VerdantNN
public import VerdantText

/// The formats that models are written in for other programs.
public enum ExportFormat: String, Sendable, CaseIterable {
  /// For llama.cpp and what is built on it.
  case gguf
  /// For ONNX Runtime and other readers of graphs.
  case onnx
  /// Tensors alone, under this package's names.
  case safetensors

  /// The forms of numbers that it is written with.
  public var numbers: [ExportNumbers] {
    switch self {
    case .gguf: ExportNumbers.allCases
    case .onnx: [.f32]
    case .safetensors: [.f32, .f16]
    }
  }
}

/// The forms of numbers of exported matrices.
public enum ExportNumbers: String, Sendable, CaseIterable {
  /// Single precision.
  case f32
  /// Half precision.
  case f16
  /// 8 bits and a factor for each 32.
  case q8_0
  /// 4 bits and a factor for each 32.
  case q4_0
}

/// Writes models for other programs. A file appears under its name only when it is complete.
public struct ModelExport: Sendable {
  /// What was written.
  public struct Report: Sendable {
    /// Bytes of the file.
    public let byteCount: Int
    /// Tensors in it.
    public let tensorCount: Int
    /// What the file says in another way than the model.
    public let notes: [String]
  }

  private let model: Transformer
  private let tokenizer: any Tokenizer
  private let name: String

  /// Takes a model.
  ///
  /// - Parameter name: What the model is called.
  public init(_ model: Transformer, tokenizer: any Tokenizer, name: String = "verdant") {
    self.model = model
    self.tokenizer = tokenizer
    self.name = name
  }

  /// Writes the model.
  ///
  /// - Parameters:
  ///   - overwriting: Whether a file of this name is replaced.
  /// - Throws: ``ConfigError`` with every option that the format cannot express, and for numbers
  ///   beyond their form; ``CheckpointError`` for numbers that are not finite, in forms that round;
  ///   ``FileError``. Nothing is left behind then.
  public func write(
    _ format: ExportFormat, numbers: ExportNumbers = .f32, to path: String,
    overwriting: Bool = false
  ) throws -> Report {
    guard format.numbers.contains(numbers) else {
      throw ConfigError(
        .unsupported, "no \(numbers.rawValue) in the format \(format.rawValue)", place: "type",
        rule: "one of \(format.numbers.map(\.rawValue).joined(separator: ", "))")
    }
    switch format {
    case .gguf: return try writeGGUF(numbers, path, overwriting)
    case .onnx: return try writeONNX(path, overwriting)
    case .safetensors: return try writeSafetensors(numbers, path, overwriting)
    }
  }

  private func writeGGUF(_ numbers: ExportNumbers, _ path: String, _ overwriting: Bool) throws
    -> Report
  {
    let builder = try GGUFBuilder(model, vocabulary(), name: name, numbers: numbers)
    let output = try AtomicFile(path, overwriting: overwriting)
    try builder.file.write(to: output.output)
    let count = output.output.count
    try output.commit()
    return Report(
      byteCount: count, tensorCount: builder.file.tensors.count, notes: builder.notes)
  }

  private func vocabulary() throws -> GGUFVocabulary {
    let count = model.config.vocabulary
    switch tokenizer {
    case let bytes as ByteTokenizer: return GGUFVocabulary(bytes, count: count)
    case let file as PretrainedTokenizer: return try GGUFVocabulary(file, count: count)
    default:
      throw ConfigError(
        .unsupported, "GGUF export does not know the tokenizer '\(type(of: tokenizer).kind)'",
        place: "tokenizer", rule: "'\(ByteTokenizer.kind)' or '\(PretrainedTokenizer.kind)'")
    }
  }

  private func writeONNX(_ path: String, _ overwriting: Bool) throws -> Report {
    let (message, tensorCount) = try ONNXFile.message(model, file: path)
    let output = try AtomicFile(path, overwriting: overwriting)
    try output.output.reserve(message.byteCount)
    try message.write(to: output.output)
    try output.commit()
    return Report(byteCount: message.byteCount, tensorCount: tensorCount, notes: [])
  }

  private func writeSafetensors(_ numbers: ExportNumbers, _ path: String, _ overwriting: Bool)
    throws -> Report
  {
    let tensors = model.parameters.map { ($0.name, $0.parameter.value) }
    let byName = Dictionary(tensors) { first, _ in first }
    let layout = try SafetensorsLayout(
      tensors.map { name, tensor in
        TensorDescription(
          name: name, dtype: numbers == .f32 ? .f32 : .f16, shape: Array(tensor.shape))
      })
    try SafetensorsWriter.write(layout, to: path, overwriting: overwriting) { entry, write in
      guard let tensor = byName[entry.name] else { return }
      try numbers.type.encode(tensor.floats, of: entry.name).withUnsafeBytes { try write($0) }
    }
    return Report(byteCount: layout.byteCount, tensorCount: tensors.count, notes: [])
  }
}
