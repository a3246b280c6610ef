import VerdantBase
public import VerdantCore

extension SafetensorsFile {
  /// The tensor of a name in memory of its own.
  ///
  /// F32 is taken as it is, BF16 is widened to float32, I32 stays.
  ///
  /// - Throws: ``CheckpointError`` when there is no such tensor, its type is not computed with,
  ///   or the file became shorter.
  public func tensor(named name: String, on backend: any Backend = CPUBackend.shared)
    throws -> Tensor
  {
    let entry = try entry(named: name)
    let shape = Shape(entry.shape)
    return try withBytes(of: entry) { bytes in
      switch entry.dtype {
      case .f32:
        return Tensor(
          (0..<entry.elementCount).map { Float(bitPattern: word(bytes, $0)) }, shape, on: backend)
      case .bf16:
        return Tensor(
          (0..<entry.elementCount).map { index in
            let half = UInt16(
              littleEndian: bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
            return Float(bitPattern: UInt32(half) << 16)
          }, shape, on: backend)
      case .i32:
        return Tensor(
          integers: (0..<entry.elementCount).map { Int32(bitPattern: word(bytes, $0)) }, shape,
          on: backend)
      default:
        throw CheckpointError(
          .unsupportedDType,
          "the tensor has elements of type \(entry.dtype.name)",
          file: path,
          place: "tensor \"\(escaped(name))\"",
          rule: "F32, BF16 and I32 are computed with"
        )
      }
    }
  }

  private func word(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt32 {
    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
  }
}
