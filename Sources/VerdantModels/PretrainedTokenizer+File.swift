public import VerdantBase
import VerdantIO
public import VerdantText

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

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

  /// Reads a tokenizer file, or the file `tokenizer.json` of a folder.
  ///
  /// - Throws: ``TokenizerError``.
  public init(fileOrFolder path: String) throws(TokenizerError) {
    var status = stat()
    let isFolder = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    try self.init(file: isFolder ? path + "/tokenizer.json" : path)
  }
}
