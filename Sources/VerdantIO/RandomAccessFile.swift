public import VerdantBase

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// A regular file opened for reading at any place, by any number of threads.
///
/// Nothing of it is kept in memory. A file that another program cuts off is an error of the next read
/// of what is gone.
public final class RandomAccessFile: Sendable {
  /// The path the file was opened by.
  public let path: String
  /// The size in bytes when it was opened.
  public let count: Int

  private let descriptor: CInt

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - path: The path of a regular file.
  ///   - followsLinks: Whether the last component may be a symbolic link.
  /// - Throws: ``FileError`` when the file is missing, not a regular one or cannot be read.
  public init(_ path: String, followsLinks: Bool = true) throws(FileError) {
    let file = try OpenFile(path, followsLinks: followsLinks)
    self.path = path
    count = file.count
    descriptor = file.release()
  }

  deinit { _ = close(descriptor) }

  /// Fills a buffer with the bytes from an offset on.
  ///
  /// - Throws: ``FileError`` when they are outside of the file, the file became shorter or cannot be
  ///   read.
  public func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(FileError) {
    guard offset >= 0, offset <= count, buffer.count <= count - offset else {
      throw FileError(
        .tooLarge, "\(buffer.count) bytes from \(offset) are outside of the file", file: path,
        rule: "the file has \(count) bytes")
    }
    try SystemCalls.fill(buffer, from: descriptor, at: offset, of: count, path)
  }

  /// The bytes of a range, as far as the file reaches.
  ///
  /// - Throws: ``FileError`` when the file became shorter or cannot be read.
  public func bytes(in range: Range<Int>) throws(FileError) -> [UInt8] {
    let range = range.clamped(to: 0..<count)
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, initialized in
      do throws(FileError) {
        try read(into: UnsafeMutableRawBufferPointer(buffer), at: range.lowerBound)
        initialized = range.count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }
}
