import VerdantBase
import VerdantIO

/// Tokens in a mapped file: memory is taken for the pages that are used.
struct MappedTokens: TokenSequence {
  let count: Int
  let byteCount: Int
  let documentCount: Int
  private let file: MappedFile
  private let start: Int
  private let hash: String
  private let vocabulary: Int

  private static let size = MemoryLayout<Int32>.size

  /// Finds tokens; nil when the description is no right one or goes beyond the file.
  init?(_ file: MappedFile, from start: Int, _ description: JSONValue?, vocabulary: Int) {
    guard let count = description?["tokens"]?.intValue,
      let bytes = description?["bytes"]?.intValue,
      let documents = description?["documents"]?.intValue,
      let hash = description?["hash"]?.stringValue,
      count >= 0, bytes >= 0, documents >= 0, start <= file.count,
      count <= (file.count - start) / Self.size
    else { return nil }
    self.file = file
    self.start = start
    self.hash = hash
    self.vocabulary = vocabulary
    self.count = count
    byteCount = bytes
    documentCount = documents
  }

  /// What is written of tokens beside themselves.
  static func header(of stream: TokenStream) -> JSONObject {
    [
      "tokens": .integer(stream.count), "bytes": .integer(stream.byteCount),
      "documents": .integer(stream.documentCount), "hash": .string("\(stream.fingerprint())"),
    ]
  }

  /// The offset behind the last token.
  var end: Int { start + count * Self.size }

  /// Whether the tokens are those that were written, and a vocabulary has them.
  func isWhole() throws(DataError) -> Bool {
    var found = TokenFingerprint()
    var isInside = true
    try withTokens(0..<count) { tokens in
      found.add(tokens)
      isInside = tokens.allSatisfy { $0 >= 0 && $0 < vocabulary }
    }
    return isInside && "\(found)" == hash
  }

  func append(_ range: Range<Int>, to list: inout [Int32]) throws(DataError) {
    try withTokens(range) { list += $0 }
  }

  func fingerprint() throws(DataError) -> TokenFingerprint {
    var found = TokenFingerprint()
    try withTokens(0..<count) { found.add($0) }
    return found
  }

  private func withTokens(_ range: Range<Int>, _ body: (UnsafeBufferPointer<Int32>) -> Void)
    throws(DataError)
  {
    require(
      range.lowerBound >= 0 && range.upperBound <= count, "[tokens] \(range) of \(count) tokens")
    let bytes = start + range.lowerBound * Self.size..<start + range.upperBound * Self.size
    do {
      // The file's tokens begin at a multiple of their size, and its memory at a page.
      try file.withBytes(in: bytes) { body($0.bindMemory(to: Int32.self)) }
    } catch let error as FileError {
      throw DataError(error)
    } catch {
      throw DataError(.io, "cannot read: \(error)", file: file.path)
    }
  }
}

extension TokenStream {
  /// Writes the tokens as 32-bit integers, lowest byte first.
  func write(to output: OutputFile) throws(FileError) {
    let result = ids.withUnsafeBytes { bytes in
      Result { () throws(FileError) in try output.write(bytes) }
    }
    try result.get()
  }
}
