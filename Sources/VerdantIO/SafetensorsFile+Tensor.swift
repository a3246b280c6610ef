import VerdantBase
public import VerdantCore

extension SafetensorsFile {
  /// The tensor of a name in memory of its own.
  ///
  /// F32 is taken as it is, F16 and BF16 are widened to float32, I32 stays.
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
          (0..<entry.elementCount).map { Float(bitPattern: UInt32(half(bytes, $0)) << 16) }, shape,
          on: backend)
      case .f16:
        return Tensor(
          (0..<entry.elementCount).map { Float(halfPrecision: half(bytes, $0)) }, shape,
          on: backend)
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
          rule: "F32, F16, BF16 and I32 are computed with"
        )
      }
    }
  }

  private func word(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt32 {
    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
  }

  private func half(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt16 {
    UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
  }
}

extension Float {
  /// The number with the bits of an IEEE half: a type of its own exists on some machines only.
  init(halfPrecision bits: UInt16) {
    let sign = UInt32(bits & 0x8000) << 16
    let rest = UInt32(bits & 0x7FFF)
    switch rest {
    // Subnormal numbers are whole multiples of 2⁻²⁴.
    case 0..<0x0400:
      self = Float(bitPattern: sign | (Float(rest) * 0x1p-24).bitPattern)
    case 0x0400..<0x7C00:
      self = Float(bitPattern: sign | (rest << 13 + UInt32(127 - 15) << 23))
    default:
      self = Float(bitPattern: sign | 0x7F80_0000 | (rest & 0x03FF) << 13)
    }
  }
}
