public import VerdantBase

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// How the bytes of a file come into memory.
public enum FileAccess: Sendable {
  /// The file is mapped; pages are read when they are used.
  case mapped
  /// The file is read into memory at once: for network folders and removable media, where a
  /// mapping can fail while it is used.
  case copied
}

/// A regular file opened for reading, with its bytes in memory.
///
/// The file is opened without blocking, so that a pipe in its place is an error and no hang. Its
/// size is taken once. Every access checks before and after that the file is still that long; one that
/// another program cuts in the moment of the access itself ends the process, as ``LostPages``
/// says, which ``FileAccess/copied`` and ``RandomAccessFile`` exclude.
///
/// All stored properties are constant and the mapping is only read, which makes the class safe
/// to share between threads.
public final class MappedFile: @unchecked Sendable {
  /// The path the file was opened by.
  public let path: String
  /// The size in bytes.
  public let count: Int

  private let descriptor: CInt
  private let access: FileAccess
  private let base: UnsafeMutableRawPointer?
  private let region: Int?

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - path: The path of a regular file.
  ///   - access: How the bytes come into memory.
  ///   - followsLinks: Whether the last component may be a symbolic link.
  /// - Throws: ``FileError`` when the file is missing, not a regular one or cannot be read.
  public convenience init(
    _ path: String,
    access: FileAccess = .mapped,
    followsLinks: Bool = true
  ) throws(FileError) {
    try self.init(OpenFile(path, followsLinks: followsLinks), access: access)
  }

  /// Takes over an open file and brings its bytes into memory.
  init(_ file: consuming OpenFile, access: FileAccess) throws(FileError) {
    path = file.path
    count = file.count
    self.access = access
    base = try file.load(access)
    region =
      access == .mapped ? base.flatMap { [path, count] in LostPages.add($0, count, path) } : nil
    descriptor = file.release()
  }

  deinit {
    LostPages.remove(region)
    if let base {
      switch access {
      case .mapped: _ = munmap(base, count)
      case .copied: free(base)
      }
    }
    _ = close(descriptor)
  }

  /// Calls a closure with all bytes.
  ///
  /// The memory starts at a page boundary; nothing is known about the alignment of values in it.
  ///
  /// - Throws: ``FileError`` when the file became shorter, and what the closure throws.
  public func withBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try checkLength()
    let result = try body(UnsafeRawBufferPointer(start: base, count: count))
    // What is cut off inside of the last page reads as zeros.
    try checkLength()
    return result
  }

  /// Calls a closure with the bytes of a range.
  ///
  /// - Throws: ``FileError`` when the range is outside of the file or the file became shorter,
  ///   and what the closure throws.
  public func withBytes<Result>(
    in range: Range<Int>,
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard range.lowerBound >= 0, range.upperBound <= count else {
      throw FileError(
        .tooLarge,
        "bytes \(range.lowerBound)..<\(range.upperBound) are outside of the file",
        file: path,
        rule: "the file has \(count) bytes"
      )
    }
    return try withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// Checks that the file is still as long as it was when it was opened.
  ///
  /// - Throws: ``FileError`` with the kind `changed`.
  public func checkLength() throws(FileError) {
    guard access == .mapped else { return }
    let now = try Int(SystemCalls.status(descriptor, path).st_size)
    guard now >= count else {
      throw FileError(
        .changed,
        "the file became shorter while it was open",
        file: path,
        rule: "it had \(count) bytes and has \(now) now"
      )
    }
  }
}

/// Reads a whole file into an array.
///
/// - Parameters:
///   - path: The path of a regular file.
///   - limit: The largest size accepted, in bytes.
///   - followsLinks: Whether the last component may be a symbolic link.
/// - Throws: ``FileError`` when the file is missing, not a regular one, too large, cannot be
///   read, or becomes shorter meanwhile.
public func readFile(
  _ path: String,
  limit: Int,
  followsLinks: Bool = true
) throws(FileError) -> [UInt8] {
  let file = try OpenFile(path, followsLinks: followsLinks)
  guard file.count <= limit else {
    throw FileError(
      .tooLarge,
      "the file has \(file.count) bytes",
      file: path,
      rule: "at most \(limit) bytes are read"
    )
  }
  return try file.bytes(in: 0..<file.count)
}

/// Reads the last bytes of a file.
///
/// - Throws: ``FileError`` when the file is missing, not a regular one, or cannot be read.
public func readEnd(ofFile path: String, byteCount: Int) throws(FileError) -> [UInt8] {
  let file = try OpenFile(path, followsLinks: false)
  return try file.bytes(in: max(0, file.count - byteCount)..<file.count)
}
