import VerdantBase
public import VerdantCore

extension SafetensorsWriter {
  /// Writes tensors as one file inside a folder that becomes visible as one.
  ///
  /// - Parameters:
  ///   - tensors: Tensors by name: float32, bfloat16 or int32.
  ///   - metadata: Strings to store beside them.
  /// - Throws: ``CheckpointError`` for names that a reader would refuse, ``FileError``.
  public static func write(
    _ tensors: [(name: String, tensor: Tensor)],
    metadata: [String: String] = ["format": "pt"],
    into folder: AtomicFolder,
    named name: String
  ) throws {
    let byName = Dictionary(tensors.map { ($0.name, $0.tensor) }) { first, _ in first }
    let layout = try SafetensorsLayout(
      tensors.map { entry in
        TensorDescription(
          name: entry.name, dtype: entry.tensor.dtype.stored, shape: Array(entry.tensor.shape))
      }, metadata: metadata)
    try write(layout, into: folder, named: name) { entry, write in
      guard let tensor = byName[entry.name] else { return }
      try tensor.withUnsafeBytes { try write($0) }
    }
  }
}

extension DType {
  /// The name in files.
  public var stored: StoredDType {
    switch self {
    case .float32: .f32
    case .bfloat16: .bf16
    case .int32: .i32
    case .int8: .i8
    case .float64: .f64
    }
  }
}
