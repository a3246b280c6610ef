import VerdantBase

/// The first bytes of compressed files and archives that users have in the place of text.
private let archives: [(name: String, magic: [UInt8])] = [
  ("gzip", [0x1F, 0x8B]),
  ("zip", [0x50, 0x4B, 0x03, 0x04]),
  ("zip", [0x50, 0x4B, 0x05, 0x06]),
  ("zstandard", [0x28, 0xB5, 0x2F, 0xFD]),
  ("xz", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]),
  ("bzip2", [0x42, 0x5A, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26]),
  ("7z", [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]),
  ("parquet", [0x50, 0x41, 0x52, 0x31]),
]

/// Throws for a compressed file by its name, which says more than its first invalid byte.
func refuseArchive(_ bytes: UnsafeRawBufferPointer, _ path: String) throws(DataError) {
  guard let found = archives.first(where: { bytes.starts(with: $0.magic) }) else { return }
  throw DataError(
    .unsupported, "a \(found.name) file", file: path, rule: "text is read uncompressed",
    advice: "unpack it first")
}

/// Byte order marks of encodings that are not read; the longer ones begin like a shorter one.
private let foreignMarks: [(name: String, mark: [UInt8])] = [
  ("UTF-32", [0x00, 0x00, 0xFE, 0xFF]),
  ("UTF-32", [0xFF, 0xFE, 0x00, 0x00]),
  ("UTF-16", [0xFE, 0xFF]),
  ("UTF-16", [0xFF, 0xFE]),
]

/// Throws for text in UTF-16 and UTF-32 by its name, which says more than its first NUL byte.
func refuseForeignMark(_ bytes: UnsafeRawBufferPointer, _ path: String) throws(DataError) {
  guard let found = foreignMarks.first(where: { bytes.starts(with: $0.mark) }) else { return }
  throw DataError(
    .notUTF8, "the file is \(found.name)", file: path, place: "byte 0", rule: "text is UTF-8",
    advice: "convert it: iconv -f \(found.name) -t UTF-8")
}
