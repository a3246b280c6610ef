import VerdantBase
import VerdantIO
import VerdantText

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A folder that keeps the tokens of texts, so that later runs read them instead of making them.
///
/// A file begins with `VDTOKENS`, the version of the format, the length of a JSON header and its
/// hash; the tokens follow the header as 32-bit integers, those of training first. What does not fit
/// the files as they are now, or is damaged, is made again without a word.
struct TokenCache {
  /// What was kept.
  struct Content {
    let documents: TextDocuments
    let training: any TokenSequence
    let validation: any TokenSequence
  }

  private let path: String
  private let identity: JSONObject
  private let vocabulary: Int

  static let magic = Array("VDTOKENS".utf8)
  static let version: UInt32 = 1
  /// Tokens begin at a multiple of this.
  private static let alignment = 64
  private static let prefixBytes = 24
  private static let mostHeaderBytes = 64 << 20

  /// Prepares the use of a folder.
  ///
  /// - Parameter order: Decides what is set aside; nil when nothing is.
  /// - Throws: ``DataError`` when a file of the text cannot be read, or the folder not be made.
  init(
    _ folder: String, _ paths: [String], _ settings: DataSettings, _ tokenizer: any Tokenizer,
    validation fraction: Double, _ random: RandomSource
  ) throws(DataError) {
    let options = settings.recordOptions
    var meaning: JSONObject = [
      "tokenizer": .string(tokenizer.fingerprint),
      "vocabulary": .integer(tokenizer.vocabulary), "paths": paths.json,
      "format": options.format.json, "text": options.fields.text.json,
      "header": options.hasHeader.json, "on_bad_line": options.onBadLine.json,
      "encoding": options.encoding.json, "validation_fraction": .number(fraction),
    ]
    if fraction > 0 { meaning["order"] = .string(String(random.key, radix: 16)) }
    // The name holds what is read; how it looked then stands inside, so that a change replaces it.
    let name = TokenFingerprint(try Self.text(meaning).map(Int32.init))
    meaning["files"] = .array(try Self.fingerprints(paths))
    identity = meaning
    vocabulary = tokenizer.vocabulary
    if mkdir(folder, 0o777) != 0 && errno != EEXIST {
      throw DataError(
        .io, "the folder of the cache cannot be made: \(String(cString: strerror(errno)))",
        file: folder, rule: "data.cache is a folder, or a name for one in an existing folder")
    }
    path = "\(folder)/\(name).tokens"
  }

  /// What was kept of the same files; nil when nothing that fits.
  func load() -> Content? {
    do {
      let file = try RandomAccessFile(path)
      guard let header = try Self.header(file),
        header.json["source"] == .object(identity),
        let training = StoredTokens(
          file, from: header.bodyStart, header.json["training"], vocabulary: vocabulary),
        let validation = StoredTokens(
          file, from: training.end, header.json["validation"], vocabulary: vocabulary),
        validation.end == file.count, try training.isWhole(), try validation.isWhole(),
        let found = header.json["files"].flatMap(Self.names),
        let skipped = header.json["skipped_files"].flatMap(Self.names),
        let badLines = header.json["records"].flatMap(BadLines.init(kept:))
      else { return nil }
      return Content(
        documents: TextDocuments(files: found, skippedFiles: skipped, badLines: badLines),
        training: training, validation: validation)
    } catch {
      return nil
    }
  }

  /// Keeps tokens.
  ///
  /// - Throws: ``DataError`` when they cannot be written; nothing is left behind then.
  func save(_ training: TokenStream, _ validation: TokenStream, _ documents: TextDocuments)
    throws(DataError)
  {
    let json: JSONObject = [
      "source": .object(identity), "training": .object(StoredTokens.header(of: training)),
      "validation": .object(StoredTokens.header(of: validation)),
      "files": documents.files.json, "skipped_files": documents.skippedFiles.json,
      "records": documents.badLines.kept,
    ]
    var header = try Self.text(json)
    let end = Self.prefixBytes + header.count
    let rest = (Self.alignment - end % Self.alignment) % Self.alignment
    header += [UInt8](repeating: 32, count: rest)
    do throws(FileError) {
      let file = try AtomicFile(path, overwriting: true)
      try file.output.reserve(
        Self.prefixBytes + header.count + 4 * (training.count + validation.count))
      try file.output.write(
        Self.magic + Self.bytes(Self.version) + Self.bytes(UInt32(header.count))
          + Self.bytes(TokenFingerprint(header.map(Int32.init)).value) + header)
      try training.write(to: file.output)
      try validation.write(to: file.output)
      try file.commit()
    } catch {
      throw DataError(error)
    }
  }

  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  private static func text(_ object: JSONObject) throws(DataError) -> [UInt8] {
    do throws(JSONError) {
      return try JSONWriter.bytes(of: .object(object))
    } catch {
      throw DataError(.io, error.report, further: [])
    }
  }

  private static func header(_ file: RandomAccessFile) throws(FileError) -> (
    json: JSONValue, bodyStart: Int
  )? {
    let prefix = try file.bytes(in: 0..<prefixBytes)
    guard prefix.count == prefixBytes, prefix.starts(with: magic) else { return nil }
    func number(_ range: Range<Int>) -> UInt64 {
      prefix[range].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    let count = Int(number(12..<16))
    guard number(8..<12) == version, count <= mostHeaderBytes, count <= file.count - prefixBytes
    else { return nil }
    let text = try file.bytes(in: prefixBytes..<prefixBytes + count)
    guard TokenFingerprint(text.lazy.map(Int32.init)).value == number(16..<24),
      let json = try? JSONValue(parsing: text)
    else { return nil }
    return (json, prefixBytes + count)
  }

  private static func names(_ json: JSONValue) -> [String]? {
    guard let list = json.arrayValue else { return nil }
    let names = list.compactMap(\.stringValue)
    return names.count == list.count ? names : nil
  }

  /// Size, time of the last change, and a hash of the first and last block of every file.
  private static func fingerprints(_ paths: [String]) throws(DataError) -> [JSONValue] {
    let block = 1 << 16
    var list: [JSONValue] = []
    for entry in try TextFiles(paths).entries {
      var status = stat()
      let isThere = stat(entry.path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
      // What is no file is left out of a folder, or refused when it is read.
      guard isThere else { continue }
      #if canImport(Darwin)
      let time = status.st_mtimespec
      #else
      let time = status.st_mtim
      #endif
      var hash = TokenFingerprint()
      do throws(FileError) {
        let file = try RandomAccessFile(entry.path)
        for range in [0..<block, max(0, file.count - block)..<file.count] {
          hash.add(try file.bytes(in: range).lazy.map(Int32.init))
        }
      } catch {
        throw DataError(error)
      }
      list.append([
        "path": .string(entry.path), "bytes": .integer(Int(status.st_size)),
        "changed": .string("\(time.tv_sec).\(time.tv_nsec)"), "blocks": .string("\(hash)"),
      ])
    }
    return list
  }
}

extension BadLines {
  /// The counts, as a cache keeps them.
  var kept: JSONValue { ["all": .integer(recordCount), "skipped": .integer(count)] }

  /// The counts of a cache.
  init?(kept json: JSONValue) {
    guard let all = json["all"]?.intValue, let skipped = json["skipped"]?.intValue, skipped >= 0,
      all >= skipped
    else { return nil }
    self.init(count: skipped, of: all)
  }
}
