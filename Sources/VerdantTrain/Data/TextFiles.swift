import VerdantBase

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The files behind paths of text: themselves, and those of folders.
struct TextFiles {
  /// A file.
  struct Entry {
    let path: String
    /// True when its folder was named, not the file: it may hold something else than text.
    let isInFolder: Bool
  }

  /// The files, in the order of the paths, those of a folder sorted by name.
  private(set) var entries: [Entry] = []
  private var visited: Set<FolderIdentity> = []

  /// Lists the files; hidden ones are left out.
  ///
  /// - Throws: ``DataError`` when a folder cannot be read.
  init(_ paths: [String]) throws(DataError) {
    for path in paths {
      if let folder = Self.folder(path) {
        // A folder that is named twice is meant twice.
        visited = []
        try addFolder(path, folder, depth: 0)
      } else {
        entries.append(Entry(path: path, isInFolder: false))
      }
    }
  }

  /// Bytes of all files; those that cannot be asked count nothing.
  var byteCount: Int {
    entries.reduce(0) { sum, entry in
      var status = stat()
      guard stat(entry.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return sum }
      let (total, overflows) = sum.addingReportingOverflow(Int(status.st_size))
      return overflows ? .max : total
    }
  }

  /// What makes a folder the same under another name.
  private struct FolderIdentity: Hashable {
    let device: UInt64
    let number: UInt64
  }

  private static func folder(_ path: String) -> FolderIdentity? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
    return FolderIdentity(
      device: UInt64(truncatingIfNeeded: status.st_dev),
      number: UInt64(truncatingIfNeeded: status.st_ino))
  }

  /// Folders inside folders; each level is a call.
  private static let deepest = 64

  private mutating func addFolder(_ path: String, _ identity: FolderIdentity, depth: Int)
    throws(DataError)
  {
    // Links may lead back to a folder, or to one folder by many ways: each is read once.
    guard visited.insert(identity).inserted else { return }
    guard depth < Self.deepest else {
      throw DataError(
        .unsupported, "folders are nested too deeply", file: path,
        rule: "at most \(Self.deepest) levels")
    }
    guard let folder = opendir(path) else {
      throw DataError(
        .io, "the folder cannot be read: \(String(cString: strerror(errno)))", file: path)
    }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    closedir(folder)
    for name in names.sorted() {
      let child = path + "/" + name
      if let inner = Self.folder(child) {
        try addFolder(child, inner, depth: depth + 1)
      } else {
        entries.append(Entry(path: child, isInFolder: true))
      }
    }
  }
}
