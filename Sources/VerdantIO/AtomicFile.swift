public import VerdantBase

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// A file that appears under its name only when it is complete and durable.
///
/// The content goes to a temporary sibling. Without ``commit()`` nothing is left behind.
public final class AtomicFile {
  /// The path the file will have.
  public let path: String
  /// What the content is written to.
  public let output: OutputFile

  private let target: OutputPath
  private let isOverwriting: Bool
  private var isPending = true

  /// Starts a file.
  ///
  /// - Parameters:
  ///   - path: The path the file will have; its folder must exist.
  ///   - overwriting: Whether a file of this name is replaced.
  /// - Throws: ``FileError`` with the kind `exists` when something has this name already and is
  ///   not to be replaced, or is a folder, and `cannotCreate` when no file can be made there.
  public init(_ path: String, overwriting: Bool = false) throws(FileError) {
    target = try OutputPath(path)
    try target.checkFree(overwriting: overwriting, asFolder: false)
    self.path = path
    isOverwriting = overwriting
    output = try OutputFile(creating: target.makeTemporary(), shownAs: path)
  }

  deinit { discard() }

  /// Makes the content durable and gives the file its name.
  ///
  /// - Throws: ``FileError``; the temporary file is removed then.
  public func commit() throws(FileError) {
    guard isPending else { return }
    do throws(FileError) {
      try output.finish()
      if isOverwriting {
        try target.rename(from: output.path)
      } else {
        try publishWithoutReplacing()
      }
    } catch {
      discard()
      throw error
    }
    isPending = false
    try SystemCalls.synchronizeFolder(target.folder)
  }

  /// Removes what was written; nothing happens after ``commit()``.
  public func discard() {
    guard isPending else { return }
    isPending = false
    output.abandon()
    _ = unlink(output.path)
  }

  /// A hard link fails where a name exists, which closes the gap between check and rename.
  private func publishWithoutReplacing() throws(FileError) {
    if link(output.path, target.path) == 0 {
      _ = unlink(output.path)
      return
    }
    if errno == EEXIST { throw target.existing() }
    // File systems without hard links.
    try target.checkFree(overwriting: false, asFolder: false)
    try target.rename(from: output.path)
  }
}
