import VerdantBase
import VerdantIO

/// Tokens in a file, read from it whenever they are used: none of them stay in memory, and a file that
/// is cut off during a run is an error of the batch that misses its tokens.
struct StoredTokens: TokenSequence {
  let count: Int
  let byteCount: Int
  let documentCount: Int
  private let file: RandomAccessFile
  private let start: Int
  private let hash: String
  private let vocabulary: Int

  private static let size = MemoryLayout<Int32>.size

  /// Finds tokens; nil when the description is no right one or goes beyond the file.
  init?(_ file: RandomAccessFile, from start: Int, _ description: JSONValue?, vocabulary: Int) {
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
    try forEachPart(of: 0..<count) { tokens in
      found.add(tokens)
      isInside = isInside && tokens.allSatisfy { $0 >= 0 && $0 < vocabulary }
    }
    return isInside && "\(found)" == hash
  }

  func append(_ range: Range<Int>, to list: inout [Int32]) throws(DataError) {
    try forEachPart(of: range) { list += $0 }
  }

  func fingerprint() throws(DataError) -> TokenFingerprint {
    var found = TokenFingerprint()
    try forEachPart(of: 0..<count) { found.add($0) }
    return found
  }

  /// Tokens in memory at once.
  private static let largestPart = 1 << 18

  private func forEachPart(of range: Range<Int>, _ body: (UnsafeBufferPointer<Int32>) -> Void)
    throws(DataError)
  {
    require(
      range.lowerBound >= 0 && range.upperBound <= count, "[tokens] \(range) of \(count) tokens")
    let buffer = UnsafeMutableBufferPointer<Int32>.allocate(
      capacity: min(range.count, Self.largestPart))
    defer { buffer.deallocate() }
    var place = range.lowerBound
    while place < range.upperBound {
      let part = UnsafeMutableBufferPointer(
        rebasing: buffer.prefix(range.upperBound - place))
      do throws(FileError) {
        try file.read(
          into: UnsafeMutableRawBufferPointer(part), at: start + place * Self.size)
      } catch {
        throw DataError(error)
      }
      body(UnsafeBufferPointer(part))
      place += part.count
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
