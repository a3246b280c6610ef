internal import VerdantBase

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// The final path of an output, split into its folder and name.
struct OutputPath {
  let path: String
  let folder: String
  let name: String

  init(_ text: String) throws(FileError) {
    var bytes = Array(text.utf8)[...]
    while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    let name: ArraySlice<UInt8>
    if let slash = bytes.lastIndex(of: UInt8(ascii: "/")) {
      folder = slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
      name = bytes[(slash + 1)...]
    } else {
      folder = "."
      name = bytes
    }
    path = String(decoding: bytes, as: UTF8.self)
    self.name = String(decoding: name, as: UTF8.self)
    guard !name.isEmpty, !bytes.contains(0), self.name != ".", self.name != ".." else {
      throw FileError(
        .invalidPath,
        "no path for an output",
        file: text,
        rule: "it ends with a name and has no NUL character"
      )
    }
  }

  /// A path beside the target that nothing uses yet.
  func makeTemporary(_ prefix: String = ".tmp") -> String {
    let nonce = String(UInt64.random(in: .min ... .max), radix: 36)
    // Cutting keeps the whole within the 255 bytes that file systems allow.
    let shown = name.utf8.count <= 160 ? name : String(name.unicodeScalars.prefix(40))
    return "\(folder)/\(prefix)-\(shown)-\(getpid())-\(nonce)"
  }

  /// Refuses to go on where something has the name already and may not be replaced.
  func checkFree(overwriting: Bool, asFolder: Bool) throws(FileError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard overwriting else { throw existing() }
    let kind = status.st_mode & S_IFMT
    guard kind == (asFolder ? S_IFDIR : S_IFREG) else {
      throw FileError(
        .exists,
        "the output exists and is no \(asFolder ? "folder" : "regular file")",
        file: path,
        rule: "only a \(asFolder ? "folder" : "regular file") is replaced"
      )
    }
  }

  func existing() -> FileError {
    FileError(
      .exists,
      "the output exists already",
      file: path,
      rule: "nothing is overwritten unasked",
      advice: "choose another name, or allow overwriting"
    )
  }

  func rename(from temporary: String) throws(FileError) {
    guard renameFile(temporary, path) == 0 else {
      let number = errno
      if number == EEXIST || number == ENOTEMPTY { throw existing() }
      throw SystemCalls.error(number, doing: "give the output its name", path)
    }
  }

  /// Renames what has the name now; nil when nothing has.
  ///
  /// - Parameter prefix: `.trash` for what goes, `.old` for what must come back unless another gets
  ///   the name.
  func moveAside(_ prefix: String = ".trash") throws(FileError) -> String? {
    guard SystemCalls.exists(path) else { return nil }
    let aside = makeTemporary(prefix)
    guard renameFile(path, aside) == 0 else {
      throw SystemCalls.error(errno, doing: "move the old output aside", path)
    }
    return aside
  }
}

private func renameFile(_ from: String, _ to: String) -> CInt { rename(from, to) }
