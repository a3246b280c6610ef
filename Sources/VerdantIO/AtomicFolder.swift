public import VerdantBase

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// A folder of files that appears under its name only when all are complete and durable.
///
/// The files go to a temporary sibling. Without ``commit()`` nothing is left behind.
public final class AtomicFolder {
  /// The path the folder will have.
  public let path: String
  /// The path of the temporary folder that is filled.
  public let temporaryPath: String

  private let target: OutputPath
  private let isOverwriting: Bool
  private var files: [OutputFile] = []
  private var isPending = true

  /// Starts a folder.
  ///
  /// - Parameters:
  ///   - path: The path the folder will have; the folder around it must exist.
  ///   - overwriting: Whether a folder of this name is replaced as a whole.
  /// - Throws: ``FileError`` with the kind `exists` when something has this name already and is
  ///   not to be replaced, and `cannotCreate` when no folder can be made there.
  public init(_ path: String, overwriting: Bool = false) throws(FileError) {
    target = try OutputPath(path)
    try target.checkFree(overwriting: overwriting, asFolder: true)
    self.path = path
    isOverwriting = overwriting
    temporaryPath = target.makeTemporary()
    guard mkdir(temporaryPath, 0o777) == 0 else {
      isPending = false
      throw FileError(
        .cannotCreate,
        "cannot create the output folder",
        file: path,
        rule: SystemCalls.error(errno, doing: "", path).report.rule,
        advice: errno == ENOENT ? "create the folder around it first" : nil
      )
    }
  }

  deinit { discard() }

  /// Creates a file inside; it is completed by ``commit()`` at the latest.
  ///
  /// - Parameter name: A single component: not empty, no `/`, `\` or control character, no
  ///   leading `.` or `-`, at most 255 bytes.
  /// - Throws: ``FileError`` when the name is not allowed or taken, or the file cannot be made.
  public func makeFile(named name: String) throws(FileError) -> OutputFile {
    guard isSafeFileName(name) else {
      throw FileError(
        .invalidPath,
        "\"\(escaped(name))\" is no name for a file",
        file: path,
        rule: "names are single components without leading '.' or '-'"
      )
    }
    guard isPending else {
      throw FileError(.io, "the folder is finished", file: path, code: .internalError)
    }
    let file = try OutputFile(creating: "\(temporaryPath)/\(name)", shownAs: "\(path)/\(name)")
    files.append(file)
    return file
  }

  /// Writes a small file inside.
  ///
  /// - Throws: ``FileError`` as ``makeFile(named:)``, and when the content cannot be written.
  public func write(_ bytes: [UInt8], named name: String) throws(FileError) {
    let file = try makeFile(named: name)
    try file.write(bytes)
    try file.finish()
  }

  /// Makes all files durable and gives the folder its name.
  ///
  /// - Throws: ``FileError``; the temporary folder is removed then.
  public func commit() throws(FileError) {
    guard isPending else { return }
    do throws(FileError) {
      for file in files { try file.finish() }
      try SystemCalls.synchronizeFolder(temporaryPath)
      let replaced = isOverwriting ? try target.moveAside() : nil
      do throws(FileError) {
        try target.checkFree(overwriting: false, asFolder: true)
        try target.rename(from: temporaryPath)
      } catch {
        if let replaced { _ = rename(replaced, target.path) }
        throw error
      }
      isPending = false
      try SystemCalls.synchronizeFolder(target.folder)
      if let replaced { removeFolder(replaced) }
    } catch {
      discard()
      throw error
    }
  }

  /// Removes what was written; nothing happens after ``commit()``.
  public func discard() {
    guard isPending else { return }
    isPending = false
    for file in files { file.abandon() }
    removeFolder(temporaryPath)
  }
}

/// Whether a name from input is safe as the name of a file inside a folder.
///
/// True for a single component: not empty, no `/`, `\`, NUL or other control character, no
/// leading `.` or `-`, at most 255 UTF-8 bytes.
public func isSafeFileName(_ name: String) -> Bool {
  guard let first = name.unicodeScalars.first, name.utf8.count <= 255 else { return false }
  return first != "." && first != "-"
    && !name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || isUnsafeToPrint($0) }
}

/// Removes a folder and everything in it, without following links.
private func removeFolder(_ path: String) {
  guard let folder = opendir(path) else {
    _ = unlink(path)
    return
  }
  var names: [String] = []
  while let entry = readdir(folder) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  _ = closedir(folder)
  for name in names {
    let inner = "\(path)/\(name)"
    var status = stat()
    guard lstat(inner, &status) == 0 else { continue }
    if status.st_mode & S_IFMT == S_IFDIR {
      removeFolder(inner)
    } else {
      _ = unlink(inner)
    }
  }
  _ = rmdir(path)
}
