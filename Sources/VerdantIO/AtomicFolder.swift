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
  private var files: [(name: String, output: OutputFile, hash: RunningHash)] = []
  private var folders: [String] = []
  private var isPending = true

  private final class RunningHash {
    var sha256 = SHA256()
  }

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
  ///   leading `.` or `-`, at most 255 bytes; or two of them, `folder/file`.
  /// - Throws: ``FileError`` when the name is not allowed or taken, or the file cannot be made.
  public func makeFile(named name: String) throws(FileError) -> OutputFile {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count <= 2, parts.allSatisfy(isSafeFileName) else {
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
    if parts.count == 2, !folders.contains(parts[0]) {
      guard mkdir("\(temporaryPath)/\(parts[0])", 0o777) == 0 else {
        throw SystemCalls.error(errno, doing: "create the folder", "\(path)/\(parts[0])")
      }
      folders.append(parts[0])
    }
    let file = try OutputFile(creating: "\(temporaryPath)/\(name)", shownAs: "\(path)/\(name)")
    let hash = RunningHash()
    file.observer = { hash.sha256.add($0) }
    files.append((name, file, hash))
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

  /// Finishes all files and writes ``Manifest`` beside them; nothing may be written afterwards.
  ///
  /// - Throws: ``FileError`` when a file cannot be made durable.
  public func writeManifest(step: Int) throws {
    for file in files { try file.output.finish() }
    let manifest = Manifest(
      step: step,
      files: files.map {
        Manifest.File(name: $0.name, byteCount: $0.output.count, digest: $0.hash.sha256.digest)
      })
    try write(manifest.bytes(), named: Manifest.fileName)
  }

  /// Makes all files durable and gives the folder its name.
  ///
  /// - Throws: ``FileError``; the temporary folder is removed then.
  public func commit() throws(FileError) {
    guard isPending else { return }
    do throws(FileError) {
      for file in files { try file.output.finish() }
      for folder in folders { try SystemCalls.synchronizeFolder("\(temporaryPath)/\(folder)") }
      try SystemCalls.synchronizeFolder(temporaryPath)
      let replaced = isOverwriting ? try target.moveAside(".old") : nil
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
    for file in files { file.output.abandon() }
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

/// Makes the names in a folder durable.
///
/// - Throws: ``FileError`` when the system reports that they may be lost.
public func synchronizeFolder(_ path: String) throws(FileError) {
  try SystemCalls.synchronizeFolder(path)
}

/// Removes a folder that must never be seen incomplete: it loses its name first.
///
/// - Throws: ``FileError`` when it keeps its name.
public func removeOutput(_ path: String) throws(FileError) {
  let target = try OutputPath(path)
  guard let aside = try target.moveAside() else { return }
  removeFolder(aside)
}

/// Removes what an interrupted writer left in a folder: temporary files and removed folders.
///
/// The caller is the only writer there.
public func removeLeftovers(in folder: String) {
  bringBackReplaced(in: folder)
  guard let names = try? fileNames(in: folder) else { return }
  for name in names where [".tmp-", ".trash-", ".old-"].contains(where: name.hasPrefix) {
    removeFolder("\(folder)/\(name)")
  }
}

/// Gives folders their names back that a writer was about to replace when it was interrupted.
///
/// The caller is the only writer there.
public func bringBackReplaced(in folder: String) {
  for name in (try? fileNames(in: folder)) ?? [] where name.hasPrefix(".old-") {
    // `.old-<name>-<process>-<number>`.
    let before = name.split(separator: "-").dropFirst().dropLast(2).joined(separator: "-")
    let old = "\(folder)/\(before)"
    if !before.isEmpty, !SystemCalls.exists(old) { _ = rename("\(folder)/\(name)", old) }
  }
}

/// The names of everything in a folder, sorted.
///
/// - Throws: ``FileError`` when the folder cannot be read.
public func fileNames(in path: String) throws(FileError) -> [String] {
  guard let folder = opendir(path) else {
    throw SystemCalls.error(errno, doing: "read the folder", path)
  }
  defer { _ = closedir(folder) }
  var names: [String] = []
  while let entry = readdir(folder) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}

/// Removes a folder and everything in it, without following links.
private func removeFolder(_ path: String) {
  var status = stat()
  guard lstat(path, &status) == 0 else { return }
  guard status.st_mode & S_IFMT == S_IFDIR else {
    _ = unlink(path)
    return
  }
  for name in (try? fileNames(in: path)) ?? [] { removeFolder("\(path)/\(name)") }
  _ = rmdir(path)
}
