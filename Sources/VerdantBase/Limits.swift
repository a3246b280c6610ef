/// The limits that readers of untrusted input obey, all in one table.
public struct Limits: Sendable, Equatable {
  /// Bytes of a safetensors header.
  public var safetensorsHeaderBytes = 100_000_000
  /// Tensors in one file.
  public var tensorsPerFile = 1_000_000
  /// Dimensions of one tensor.
  public var dimensions = 8
  /// UTF-8 bytes of a tensor name.
  public var tensorNameBytes = 1_024
  /// Elements of one tensor.
  public var elementsPerTensor = 1 << 40
  /// Nested arrays and objects in JSON.
  public var jsonNesting = 64
  /// Bytes of `config.json` and similar files.
  public var configBytes = 4 << 20
  /// Bytes of `tokenizer.json`.
  public var tokenizerBytes = 256 << 20
  /// Entries of a vocabulary.
  public var vocabulary = 4_194_304
  /// Merges of a tokenizer.
  public var merges = 8_388_608
  /// Bytes of one line of JSONL data.
  public var lineBytes = 64 << 20

  /// The standard limits.
  public static let standard = Limits()

  /// Makes the table of standard limits, to be changed where needed.
  public init() {}
}
