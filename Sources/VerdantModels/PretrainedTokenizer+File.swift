public import VerdantBase
import VerdantIO
public import VerdantText

extension PretrainedTokenizer {
  /// Reads a file `tokenizer.json`.
  ///
  /// - Throws: ``TokenizerError`` when the file is missing or cannot be used, with the key, what
  ///   was found and what would be right.
  public init(file path: String, limits: Limits = .standard) throws(TokenizerError) {
    let bytes: [UInt8]
    do {
      bytes = try readFile(path, limit: limits.tokenizerBytes)
    } catch {
      throw TokenizerError(error)
    }
    try self.init(parsing: bytes, file: path, limits: limits)
  }
}
