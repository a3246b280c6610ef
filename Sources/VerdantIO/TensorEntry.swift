/// What a safetensors header says about one tensor.
public struct TensorEntry: Sendable, Equatable {
  /// The name, unique in its file.
  public let name: String
  /// The element type.
  public let dtype: StoredDType
  /// The sizes of the dimensions, outermost first; empty for a scalar.
  public let shape: [Int]
  /// Where the bytes are, relative to the start of the data.
  public let range: Range<Int>

  /// The number of elements.
  public var elementCount: Int { shape.reduce(1, *) }
  /// The number of bytes.
  public var byteCount: Int { range.count }

  /// Made only where all parts were checked, so that products of the shape cannot overflow.
  init(name: String, dtype: StoredDType, shape: [Int], range: Range<Int>) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.range = range
  }
}

/// A tensor that is going to be written: everything but its place in the file.
public struct TensorDescription: Sendable, Equatable {
  /// The name, unique in its file.
  public var name: String
  /// The element type.
  public var dtype: StoredDType
  /// The sizes of the dimensions, outermost first; empty for a scalar.
  public var shape: [Int]

  /// Makes a description; it is checked when a layout is made from it.
  public init(name: String, dtype: StoredDType, shape: [Int]) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
  }
}
